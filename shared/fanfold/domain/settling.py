"""What settling a group of runs takes and comes to, and what is read of them afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fanfold.domain.outcome import Outcome
from fanfold.domain.run import RunState


class Verdict(StrEnum):
    """What became of one outcome."""

    COUNTED = "counted"
    ALREADY = "already"  # the run was settled before
    LATE = "late"  # the batch is closed, or of another generation: nothing changed


@dataclass(slots=True)
class Effort:
    """What settling a group takes. The caller tells its part, the engine adds its own and counts
    both with the runs, in the same commit."""

    #: seconds that the first outcome waited for the others
    gathered: float = 0.0
    #: times that the group was halved to find an outcome that is refused
    halvings: int = 0
    #: times that the engine had to try again, for others' sake or for want of an answer
    repeats: int = 0

    def spend(self) -> Effort:
        """What is to be counted; once, however many commits the group takes."""
        spent = Effort(self.gathered, self.halvings)
        self.gathered, self.halvings = 0.0, 0
        return spent


@dataclass(frozen=True, slots=True)
class Recount:
    """What the runs' own documents add up to."""

    succeeded: int
    failed: int
    canceled: int
    skipped: int
    digest: int


@dataclass(slots=True)  # frozen in use: freezing it triples its price
class Settled:
    """What a fold is told of a settled run."""

    index: int
    key: str | None
    state: RunState
    #: the output of a run that succeeded, unless it is in Blobs
    text: str | None
    #: where there is more to say
    outcome: Outcome | None = None
