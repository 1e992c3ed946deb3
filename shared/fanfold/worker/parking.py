"""Runs that wait a short while in the process for their next attempt, or their turn to begin, and
hold no lane."""

from __future__ import annotations

import heapq
from itertools import count
from threading import Event, Lock
from time import monotonic

from fanfold.steps.run_flow import Job


class Parking:
    def __init__(self) -> None:
        self._lock = Lock()
        self._heap: list[tuple[float, int, Job]] = []
        self._numbers = count()
        self._changed = Event()

    def park(self, job: Job, seconds: float) -> None:
        with self._lock:
            heapq.heappush(self._heap, (monotonic() + seconds, next(self._numbers), job))
        self.wake()

    def wait(self, seconds: float) -> None:
        """So long, or until something is parked: it may be due sooner than the others."""
        self._changed.wait(seconds)
        self._changed.clear()

    def wake(self) -> None:
        self._changed.set()

    def due(self) -> list[Job]:
        now = monotonic()
        jobs: list[Job] = []
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                jobs.append(heapq.heappop(self._heap)[2])
        return jobs

    def clear(self) -> list[tuple[float, Job]]:
        """All of them, with the seconds each still had to wait."""
        with self._lock:
            waiting = [(max(0.0, due - monotonic()), job) for due, _, job in self._heap]
            self._heap.clear()
        return waiting

    def __len__(self) -> int:
        return len(self._heap)
