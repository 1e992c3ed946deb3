"""How far a batch is, as whoever waits for it is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from fanfold.domain.batch import ENDED, BatchState
from fanfold.domain.tally import Counts
from fanfold.steps.status import Status

#: What is told is the pace of so many seconds, not of the whole batch.
_WINDOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    batch_id: str
    state: BatchState
    #: conserved: queued, running, waiting, succeeded, failed, canceled and skipped are the total
    counts: Counts
    #: whether the total is known already, or may still grow
    sealed: bool
    #: since the batch was created
    seconds: float
    #: records a second, lately; None before it can be told
    rate: float | None
    #: seconds to go; None before it can be told
    eta: float | None

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    def __str__(self) -> str:
        counts, more = self.counts, "" if self.sealed else "+"
        parts = [f"{self.state}: {counts.settled:,} of {counts.total:,}{more} records"]
        if counts.failed:
            parts.append(f"{counts.failed:,} failed")
        if self.rate is not None:
            parts.append(f"{self.rate:,.1f}/s")
        if self.eta is not None and not self.ended:
            parts.append(f"{self.eta:,.0f} s to go")
        return ", ".join(parts)


OnProgress = Callable[[Progress], None]


class Pace:
    """Makes progress of one status after another."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, status: Status) -> Progress:
        seen, now, settled = self._seen, status.seconds, status.counts.settled
        seen.append((now, settled))
        while len(seen) > 2 and now - seen[1][0] >= _WINDOW_SECONDS:
            seen.popleft()
        then, before = seen[0]
        rate = (settled - before) / (now - then) if now > then else None
        left = status.counts.total - settled
        return Progress(
            batch_id=status.batch.id,
            state=status.batch.state,
            counts=status.counts,
            sealed=status.batch.sealed,
            seconds=now,
            rate=rate,
            eta=left / rate if rate and status.batch.sealed else None,
        )
