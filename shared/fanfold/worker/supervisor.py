"""Several worker processes, kept alive.

A child that dies is started again, unless they die as soon as they start, again and again: then
something is wrong that starting does not mend. A child watches the pipe it is tethered by: when
this process ends, however it ends, the pipe closes and the child drains. Children get sessions of
their own, so that Ctrl-C at the terminal reaches this process alone, which then tells them.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from time import monotonic

from fanfold import log

#: a child that lives shorter than this died of its start
_SHORT_LIFE = 2.0
_MAX_SHORT_LIVES = 5


class Supervisor:
    def __init__(self, command: Sequence[str], processes: int) -> None:
        self._command = list(command)
        self._processes = processes
        self._children: list[tuple[subprocess.Popen[bytes], float]] = []
        self._short_lives = 0
        self._draining = False
        #: how often a child was started again
        self.restarts = 0

    def start(self) -> None:
        while len(self._children) < self._processes:
            self._start_one()

    def tend(self) -> bool:
        """Replace who died. False when they keep dying at their start, or have all ended."""
        for child, started in list(self._children):
            code = child.poll()
            if code is None:
                continue
            self._children.remove((child, started))
            _close(child)
            if self._draining or code == 0:
                continue
            self.restarts += 1
            self._short_lives = self._short_lives + 1 if monotonic() - started < _SHORT_LIFE else 0
            log.warning("worker.died", _how(code), pid=child.pid)
            if self._short_lives < _MAX_SHORT_LIVES:
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
        for child, _ in self._children:
            left = None if deadline is None else max(0.0, deadline - monotonic())
            try:
                child.wait(left)
            except subprocess.TimeoutExpired:
                return False
        for child, _ in self._children:
            _close(child)
        self._children.clear()
        return True

    def _start_one(self) -> None:
        child = subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)
        self._children.append((child, monotonic()))

    def _signal(self, number: int) -> None:
        for child, _ in self._children:
            if child.poll() is None:
                child.send_signal(number)


def _close(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
