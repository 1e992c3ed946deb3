"""The worker processes that a command starts for itself, and what they print.

Their standard output and error are one pipe. Line by line it goes to whoever shows progress, so
that a flow's own prints are seen, do not garble the display and never get between the data.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

from fanfold.errors import FanfoldError
from fanfold.worker.supervisor import Supervisor

if TYPE_CHECKING:
    from fanfold.settings import Settings

_MAX_PROCESSES = 4
#: What a flow started may outlive its worker and hold the pipe open; it is not waited for.
_LAST_WORDS_SECONDS = 1.0


class WorkersDied(FanfoldError):
    """The worker processes keep dying before they work; the lines above say why."""


def default_processes() -> int:
    return min(_processors(), _MAX_PROCESSES)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def threads_for(threads: int, processes: int, concurrency: int | None) -> int:
    """As many as asked for; more where the concurrency limit could not be reached with them."""
    return max(threads, -(-(concurrency or 1) // processes))


def worker_command(threads: int, *extra: str, verbose: bool = False) -> list[str]:
    # -P: a file in the current folder must not shadow a module of the standard library.
    begin = [sys.executable, "-P", "-m", "fanfold.cli.main", *(["--verbose"] if verbose else [])]
    alone = ["worker", "--processes", "1", "--threads", str(threads), "--tethered"]
    return [*begin, *alone, *extra]


class Workers:
    """Started, tended and ended together; `hear` is given each line they print."""

    def __init__(
        self,
        settings: Settings,
        processes: int,
        threads: int,
        hear: Callable[[str], None],
        *,
        verbose: bool = False,
    ) -> None:
        self._hear = hear
        self._ours, theirs = os.pipe()
        self._theirs: int | None = theirs
        self.supervisor = Supervisor(
            worker_command(threads, verbose=verbose),
            processes,
            env=settings.environment(),
            output=theirs,
        )
        self._listener = Thread(target=self._listen, name="fanfold-listener", daemon=True)

    def __enter__(self) -> Self:
        self._listener.start()
        self.supervisor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:  # whatever went wrong here: those left finish what they are at
            self.supervisor.drain()
        if self.supervisor.wait(None if error is None else 0.0):
            self._end()

    def _end(self) -> None:
        """All have ended: hear what they said last."""
        if self._theirs is not None:
            os.close(self._theirs)
            self._theirs = None
            self._listener.join(_LAST_WORDS_SECONDS)

    def _listen(self) -> None:
        with os.fdopen(self._ours, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                self._hear(line.rstrip("\r\n"))
