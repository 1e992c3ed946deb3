"""The parent's end of a child process: start it, exchange frames with it, be rid of it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Any

from fanfold.execution import frames, memory

#: How often a wait looks up, for a death or an order that no pipe tells of.
_LOOK_EVERY = 0.05
#: seconds for a clean exit
_GRACE = 5.0
_CHUNK = 256 * 1024

# The child imports from where this process does, which need not be where -m would look.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from fanfold.execution.child import main; main()"
)


class Silence(Enum):
    """Why there is no frame."""

    GONE = "gone"
    OVERDUE = "overdue"
    TOLD = "told to stop waiting"
    FULL = "has more memory than it may"


class ChildProcess:
    def __init__(self) -> None:
        # -P: the current folder does not shadow the standard library; a crash leaves its stack on
        # standard error. A session of its own: a Ctrl-C in the terminal is the parent's to handle,
        # and whatever the flow starts is in one group with it.
        command = [sys.executable, "-P", "-X", "faulthandler", "-c", _PROGRAM, json.dumps(path())]
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter, our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdin is not None  # noqa: S101  asked for above
        assert self._process.stdout is not None  # noqa: S101
        self._requests = self._process.stdin
        self._answers = self._process.stdout
        self._reader = frames.Reader()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._answers, selectors.EVENT_READ)
        self._next_reading = 0.0

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, body: bytes) -> None:
        with suppress(OSError):  # it is gone, as the next `receive` will find
            self._requests.write(body)
            self._requests.flush()

    def receive(
        self, deadline: float | None, told: Callable[[], bool], limit: int | None = None
    ) -> dict[str, Any] | Silence:
        """The next frame. `deadline` is a time of time.monotonic(), `limit` in bytes of memory."""
        while True:
            frame = self._reader.next()
            if frame is not None:
                return frame
            left = float("inf") if deadline is None else deadline - time.monotonic()
            if self._selector.select(max(0.0, min(_LOOK_EVERY, left))):
                chunk = os.read(self._answers.fileno(), _CHUNK)
                if not chunk:
                    return Silence.GONE
                self._reader.feed(chunk)
            elif told():
                return Silence.TOLD
            elif left <= 0:
                return Silence.OVERDUE
            elif limit is not None and self._is_above(limit):
                return Silence.FULL
            elif self._process.poll() is not None:  # a process it started may hold the pipe open
                return Silence.GONE

    def resident(self) -> int | None:
        """Bytes of memory it has; None if that cannot be read, or it is gone."""
        try:
            return memory.resident(self.pid)
        except memory.Untold:
            return None

    def _is_above(self, limit: int) -> bool:
        """Where a reading takes long it is taken less often."""
        began = time.monotonic()
        if began < self._next_reading:
            return False
        has = self.resident()
        ended = time.monotonic()
        self._next_reading = ended + 9 * (ended - began)
        return has is not None and has > limit

    def ended(self) -> str:
        """How it ended, of a child that is gone."""
        try:
            code = self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its channel to the worker"
        self.kill()
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"killed by signal {-code}"

    def kill(self) -> None:
        """It and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def end(self) -> None:
        """Have it exit by itself, if it is idle."""
        with suppress(OSError):
            self._requests.close()

    def close(self) -> None:
        """The same, and wait for it."""
        self.end()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self.kill()

    def _close(self) -> None:
        self._selector.close()
        self._answers.close()
        with suppress(OSError):  # what was never sent
            self._requests.close()


def path() -> list[str]:
    return [str(place) for place in sys.path]
