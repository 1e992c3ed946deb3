"""How fast a batch goes, and how long it will take: over the last seconds, not since the start."""

from __future__ import annotations

from collections import deque

from fanfold.steps.status import Status

_WINDOW_SECONDS = 10.0


class Pace:
    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, status: Status) -> None:
        seen = self._seen
        seen.append((status.seconds, status.counts.settled))
        while len(seen) > 2 and status.seconds - seen[1][0] >= _WINDOW_SECONDS:
            seen.popleft()

    @property
    def rate(self) -> float | None:
        """Records a second; None before two looks."""
        if len(self._seen) < 2:
            return None
        (before, few), (now, many) = self._seen[0], self._seen[-1]
        return (many - few) / (now - before) if now > before else None

    def left(self, status: Status) -> float | None:
        """Seconds to go, as far as that can be known."""
        rate = self.rate
        if not rate or not status.batch.sealed:
            return None
        return (status.counts.total - status.counts.settled) / rate
