"""Deadlines: one thread that calls what is overdue.

Nearly every deadline is met, so keeping one must cost next to nothing: it is put into a dictionary
and taken out again, without a lock. The thread sleeps until the earliest deadline that it saw, and
is told only of one that is earlier still; when it wakes it looks at all there are.
"""

from __future__ import annotations

import logging
import math
import time
from threading import TIMEOUT_MAX, Condition, Lock, Thread, current_thread
from typing import Protocol

_log = logging.getLogger("fanfold")


class Watched(Protocol):
    #: nothing to do any more
    over: bool

    def overdue(self) -> None:
        """Called by the watchdog's thread, once, unless it is over. Must not take long."""


class Watchdog:
    def __init__(self) -> None:
        self._condition = Condition(Lock())
        self._deadlines: dict[Watched, float] = {}
        #: when the thread looks again by itself
        self._looks_at = math.inf
        self._thread: Thread | None = None
        self._stopped = False

    def watch(self, watched: Watched, deadline: float) -> None:
        """Call `watched.overdue()` at `deadline`, a time of time.monotonic()."""
        self._deadlines[watched] = deadline
        # the thread says when it looks next before it looks: what it cannot see is told here
        if deadline < self._looks_at or self._thread is None:
            self._tell(deadline)

    def forget(self, watched: Watched) -> None:
        """It is over."""
        self._deadlines.pop(watched, None)

    def __len__(self) -> int:
        return len(self._deadlines)

    def stop(self) -> None:
        """For good. Deadlines that are not over yet are forgotten."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join()

    def _tell(self, deadline: float) -> None:
        with self._condition:
            if self._stopped:
                raise RuntimeError("the watchdog has been stopped")
            if deadline < self._looks_at:
                self._looks_at = deadline
                self._condition.notify()
            if self._thread is None:
                self._thread = Thread(target=self._run, name="fanfold-watchdog", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._condition:
                if self._stopped:
                    return
                self._looks_at = math.inf
            overdue = self._overdue()
            for watched in overdue:
                try:
                    watched.overdue()
                except Exception:  # noqa: BLE001  the others must not lose their watchdog
                    _log.exception("a deadline's callback failed", extra={"action": "overdue"})
            if overdue:
                continue
            with self._condition:
                if not self._stopped:
                    pause = min(self._looks_at - time.monotonic(), TIMEOUT_MAX)
                    self._condition.wait(max(pause, 0.0))

    def _overdue(self) -> list[Watched]:
        """And when to look again: not before the earliest of the others."""
        now = time.monotonic()
        found: list[Watched] = []
        earliest = math.inf
        for watched, deadline in self._snapshot():
            if deadline <= now:
                self._deadlines.pop(watched, None)
                if not watched.over:
                    found.append(watched)
            else:
                earliest = min(earliest, deadline)
        with self._condition:
            self._looks_at = min(self._looks_at, earliest)
        return found

    def _snapshot(self) -> list[tuple[Watched, float]]:
        while True:
            try:
                return list(self._deadlines.items())
            except RuntimeError:  # it changed under our hands
                continue
