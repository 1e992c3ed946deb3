"""What can be said of a batch's speed and its failures, from its status alone: no run is read."""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.domain.durations import Durations, percentile
from fanfold.domain.money import dollars_of
from fanfold.domain.tally import Counts, ErrorGroup
from fanfold.steps.status import Status


@dataclass(frozen=True, slots=True)
class Spread:
    """How long the runs took that were tried at all, in seconds. The mean is exact; the others are
    known to 9 %."""

    mean: float
    p50: float
    p90: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Statistics:
    #: by status, and in total
    counts: Counts
    #: of all runs that are settled
    attempts: int
    #: dollars, as their flow says with `ctx.spend`
    spent: float
    #: since it was created, until it ended
    wall_seconds: float
    #: since it was started, until it ended; None before anything is settled
    records_per_second: float | None
    #: None where nothing has run
    durations: Spread | None
    #: the failures by what is the same in them, the most frequent first
    errors: tuple[ErrorGroup, ...]


def statistics_of(status: Status) -> Statistics:
    tally = status.tally
    groups = tally.errors.values()
    return Statistics(
        counts=status.counts,
        attempts=tally.attempts,
        spent=dollars_of(tally.spent),
        wall_seconds=status.seconds,
        records_per_second=_rate(status),
        durations=_spread(tally.durations, tally.seconds),
        errors=tuple(sorted(groups, key=lambda it: (-it.count, it.example_index, it.fingerprint))),
    )


def _rate(status: Status) -> float | None:
    batch = status.batch
    if batch.started_at is None or not status.counts.settled:
        return None
    seconds = batch.created_at + status.seconds - batch.started_at
    settled = status.counts.settled - batch.kept.settled
    return settled / seconds if seconds > 0 else None


def _spread(durations: Durations, seconds: float) -> Spread | None:
    p50, p90, p99, longest = (percentile(durations, share) for share in (0.5, 0.9, 0.99, 1.0))
    if p50 is None or p90 is None or p99 is None or longest is None:
        return None
    return Spread(seconds / sum(durations.values()), p50, p90, p99, longest)
