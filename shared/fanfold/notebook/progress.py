"""How far a batch is, as whoever waits for it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fanfold.domain.batch import ENDED, BatchState
from fanfold.domain.tally import Counts
from fanfold.steps.pace import Pace
from fanfold.steps.status import Status


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


class Teller:
    """Makes progress of one status after another."""

    def __init__(self) -> None:
        self._pace = Pace()

    def see(self, status: Status) -> Progress:
        self._pace.see(status)
        return Progress(
            batch_id=status.batch.id,
            state=status.batch.state,
            counts=status.counts,
            sealed=status.batch.sealed,
            seconds=status.seconds,
            rate=self._pace.rate,
            eta=self._pace.left(status),
        )
