"""Several worker processes, kept alive.

A child that dies is started again, unless they die before they work, again and again: then
something is wrong that starting does not mend. A child that dies at work is no reason to give up,
however young: a batch may hold many records that kill whoever runs them.

A child is tethered by its standard input. It says there that it has begun to work, and watches it:
when this process ends, however it ends, the tether closes and the child drains. Children get
sessions of their own, so that Ctrl-C at the terminal reaches this process alone, which then tells
them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from fanfold import log

#: how often in a row a child may die before it works
_MAX_STILLBORN = 5
#: of those that go behind others: where nobody else wants it they have the whole machine
_NICE = 10
#: what a child writes into its tether once it works
READY = b"."


@dataclass(frozen=True, slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    tether: socket.socket

    def has_worked(self) -> bool:
        with suppress(OSError):
            return self.tether.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == READY
        return False


class Supervisor:
    """`env` is the children's environment, `output` the file they print into (both: as here).
    `behind`: whoever else is on this machine, this process first of all, goes before them."""

    def __init__(
        self,
        command: Sequence[str],
        processes: int,
        *,
        env: Mapping[str, str] | None = None,
        output: int | None = None,
        behind: bool = False,
    ) -> None:
        self._command = list(command)
        self._processes = processes
        self._env = None if env is None else dict(env)
        self._output = output
        self._behind = behind
        self._children: list[_Child] = []
        self._stillborn = 0
        self._draining = False
        #: how often a child was started again
        self.restarts = 0

    @property
    def gave_up(self) -> bool:
        """They died before they worked, again and again."""
        return self._stillborn >= _MAX_STILLBORN

    @property
    def is_at_work(self) -> bool:
        """Each of them has begun to."""
        return all(child.has_worked() for child in self._children)

    @property
    def pids(self) -> list[int]:
        return [child.process.pid for child in self._children]

    def start(self) -> None:
        while len(self._children) < self._processes:
            self._start_one()

    def tend(self) -> bool:
        """Replace who died. False when they keep dying before they work, or have all ended."""
        for child in list(self._children):
            code = child.process.poll()
            if code is None:
                continue
            self._children.remove(child)
            worked = child.has_worked()
            child.tether.close()
            if self._draining or code == 0:
                continue
            self.restarts += 1
            self._stillborn = 0 if worked else self._stillborn + 1
            log.warning("worker.died", _how(code), pid=child.process.pid)
            if not self.gave_up:
                self._start_one()
        return bool(self._children)

    def drain(self) -> None:
        """Tell them to finish what they are at."""
        self._draining = True
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._draining = True
        self._signal(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> bool:
        """Until all have ended, or so long; whether they have."""
        deadline = None if seconds is None else monotonic() + seconds
        for child in self._children:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            try:
                child.process.wait(left)
            except subprocess.TimeoutExpired:
                return False
        for child in self._children:
            child.tether.close()
        self._children.clear()
        return True

    def _start_one(self) -> None:
        tether, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                self._command,
                stdin=theirs.fileno(),
                stdout=self._output,
                stderr=self._output,
                env=self._env,
                start_new_session=True,
            )
        if self._behind:
            _put_behind(process.pid)
        self._children.append(_Child(process, tether))

    def _signal(self, number: int) -> None:
        for child in self._children:
            if child.process.poll() is None:
                child.process.send_signal(number)


def _put_behind(pid: int) -> None:
    """Linux may share its processors between sessions first, and a child has one of its own."""
    with suppress(OSError):  # it has ended already
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
    with suppress(OSError):  # not on every system
        Path(f"/proc/{pid}/autogroup").write_text(str(_NICE))


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
