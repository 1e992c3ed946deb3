"""What it takes to settle a batch, from its counters alone: how well outcomes keep company."""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.steps.status import Status


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    commits: int
    #: mean, of outcomes in a commit; 0 before the first
    outcomes_per_commit: float
    #: mean, of how long the first outcome of a group waited for the others
    gather_seconds: float
    #: commits that were made again: fought over, or not answered
    repeats: int
    #: groups that were halved to find an outcome that is refused
    halvings: int
    #: counters that were written to, and how many there may be
    slots_used: int
    slots: int


def engine_statistics_of(status: Status) -> EngineStatistics:
    tally = status.tally
    commits = max(1, tally.commits)
    return EngineStatistics(
        commits=tally.commits,
        outcomes_per_commit=tally.settled / commits if tally.commits else 0.0,
        gather_seconds=tally.gathered / commits,
        repeats=tally.repeats,
        halvings=tally.halvings,
        slots_used=tally.slots,
        slots=status.batch.slots,
    )
