"""A program of its own session, that prints into a file.

It is ended by its id: first told to, then, after a while, killed with all that it has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from fanfold.local.guard import Guard

_LAST_BYTES = 4096


class Process:
    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        guard: Guard | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._guard = guard
        self._env = None if env is None else dict(env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Once more, too, when it has ended: its log goes on."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._env,
                start_new_session=True,
            )
        if self._guard is not None:
            self._guard.watch(self.pid)

    def ended(self) -> str | None:
        """How it ended; None while it lives. What it started has ended with it."""
        if self._process is None:
            return "was never started"
        code = self._process.poll()
        if code is None:
            return None
        self._kill_group()
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"

    def tell(self) -> None:
        """To end. It alone, and not what it has started: that is its own business, and a record
        which runs in a child of its own must not fail of it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """By then (of time.monotonic()), one way or the other."""
        if self._process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - monotonic()))
        self._kill_group()
        self._process.wait()
        if self._guard is not None:
            self._guard.forget(self.pid)

    def last_words(self) -> str:
        """The last line of its log, for an error's message."""
        return last_line(self.log)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def last_line(log: Path) -> str:
    """Empty if there is none."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _LAST_BYTES))
        lines = file.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
    return ""


def end_all(processes: Sequence[Process], seconds: float) -> None:
    """All at once, within about so long."""
    for process in processes:
        process.tell()
    deadline = monotonic() + seconds
    for process in processes:
        process.end(deadline)
