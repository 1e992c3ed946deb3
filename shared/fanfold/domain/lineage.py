"""Where a batch comes from: asked for by somebody, as a batch or as one run; or by a run.

A run whose node is scattered over many items has a child batch, whose records are the items. The
child knows its parent, the parent's memo its child (domain.memo): whichever ends, finds the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fanfold.domain.ids import run_id_of


class Kind(StrEnum):
    BATCH = "batch"
    #: one run, started by itself: a batch of one that is listed as a run
    RUN = "run"
    #: the items of a run's node
    CHILD = "child"


#: the part of a flow that makes the pages of its fold (steps.fold_pages)
FOLD = "$fold"
#: of whom such a child is: the batch's own finalization
NO_RUN = -1

#: what somebody asked for
ASKED_FOR = frozenset({Kind.BATCH, Kind.RUN})


@dataclass(frozen=True, slots=True)
class Parent:
    """The run that a child batch was made by, and that waits for it; or the batch whose fold."""

    batch_id: str
    index: int
    #: of the parent's batch, when its run last asked for the child
    generation: int
    #: where the run remembers it
    place: str
    #: the batch that somebody asked for, of which all this is part
    root: str

    @property
    def is_fold(self) -> bool:
        """The pages of the batch's own fold, and no run's items."""
        return self.index == NO_RUN

    @property
    def run_id(self) -> str:
        return run_id_of(self.batch_id, self.index)


def root_of(batch_id: str, parent: Parent | None) -> str:
    """The batch that somebody asked for, of which this one is part: it may be that itself."""
    return batch_id if parent is None else parent.root
