"""Deadlines: one thread that calls what is overdue.

Nearly every deadline is met, and nothing tells the watchdog so: a watch that is over stays in the
heap until its time comes, or until the heap has doubled and is cleared of all that are over. So a
run pays for its timeout with one push under a lock, and memory stays in proportion to what runs.
"""

from __future__ import annotations

import heapq
import logging
import time
from itertools import count
from threading import TIMEOUT_MAX, Condition, Lock, Thread, current_thread
from typing import Protocol

_log = logging.getLogger("fanfold")
_SMALL = 64


class Watched(Protocol):
    #: nothing to do any more
    over: bool

    def overdue(self) -> None:
        """Called by the watchdog's thread, once, unless it is over. Must not take long."""


class Watchdog:
    def __init__(self) -> None:
        self._condition = Condition(Lock())
        self._heap: list[tuple[float, int, Watched]] = []
        self._numbers = count()
        self._clear_at = _SMALL
        #: when the thread looks again by itself
        self._looks_at = float("inf")
        self._thread: Thread | None = None
        self._stopped = False

    def watch(self, watched: Watched, deadline: float) -> None:
        """Call `watched.overdue()` at `deadline`, a time of time.monotonic()."""
        with self._condition:
            if self._stopped:
                raise RuntimeError("the watchdog has been stopped")
            heap = self._heap
            if len(heap) >= self._clear_at:
                heap[:] = [entry for entry in heap if not entry[2].over]
                heapq.heapify(heap)
                self._clear_at = max(_SMALL, 2 * len(heap))
            heapq.heappush(heap, (deadline, next(self._numbers), watched))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="fanfold-watchdog", daemon=True)
                self._thread.start()
            elif deadline < self._looks_at:
                self._looks_at = deadline
                self._condition.notify()

    def __len__(self) -> int:
        """How many it holds, those included that are over."""
        return len(self._heap)

    def stop(self) -> None:
        """For good. Deadlines that are not over yet are forgotten."""
        with self._condition:
            self._stopped = True
            self._condition.notify()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                overdue = self._overdue()
                if not overdue:
                    if self._stopped:
                        return
                    self._looks_at = self._heap[0][0] if self._heap else float("inf")
                    pause = min(self._looks_at - time.monotonic(), TIMEOUT_MAX)
                    self._condition.wait(max(pause, 0.0))
            for watched in overdue:
                try:
                    watched.overdue()
                except Exception:  # noqa: BLE001  the others must not lose their watchdog
                    _log.exception("a deadline's callback failed", extra={"action": "overdue"})

    def _overdue(self) -> list[Watched]:
        found = []
        now = time.monotonic()
        while self._heap and (self._heap[0][0] <= now or self._heap[0][2].over):
            watched = heapq.heappop(self._heap)[2]
            if not watched.over:
                found.append(watched)
        return found
