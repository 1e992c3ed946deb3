"""The cloud's own time: as it passes, or still, and moved by tests."""

from __future__ import annotations

import time


class CloudClock:
    def __init__(self, *, still: bool = False) -> None:
        self._still = still
        self._began = time.monotonic()
        self._now = time.time()

    def now(self) -> float:
        return self._now if self._still else self._now + time.monotonic() - self._began

    def pass_(self, seconds: float) -> None:
        self._now += seconds
