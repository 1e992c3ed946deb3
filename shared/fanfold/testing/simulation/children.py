"""Batches that simulated runs make of their items, and what is held against them.

| invariant                                | how it is looked at                                   |
|------------------------------------------|-------------------------------------------------------|
| a run makes its items' batch once        | no second one for the same record                     |
| what is stopped stops all below it       | no child comes to its own end once its parent has     |
| terminal never regresses                 | states follow the table                               |
| nothing needs the sweep that has a       | at rest each has ended, unless it is paused with its  |
| message                                  | parent; and no run waits for what has ended           |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fanfold.domain.batch import TRANSITIONS, Batch, BatchState
from fanfold.domain.memo import decode
from fanfold.testing.simulation.schedule import Schedule
from fanfold.testing.simulation.tables import Tables


@dataclass(slots=True)
class Children:
    schedule: Schedule
    #: the batch that is simulated, as it was seen last
    above: Batch | None = None
    #: as they were seen last
    known: dict[str, Batch] = field(default_factory=dict)
    _of_record: dict[int, str] = field(default_factory=dict)

    def has(self, batch: Batch) -> None:
        if batch.parent is None:
            if not batch.options.after:
                self.above = batch
            return
        before, self.known[batch.id] = self.known.get(batch.id), batch
        if before is None:
            self.schedule.happened.append("child: made")
        if self._of_record.setdefault(batch.parent.index, batch.id) != batch.id:
            self.schedule.violate(
                "a run makes its items' batch once", f"record {batch.parent.index} made two"
            )
        if before is not None and before.state is not batch.state:
            self._check_move(before, batch)

    def left_behind(self, tables: Tables, now: float) -> str:
        """What nobody will bring on; empty: there is nothing."""
        above = self.above
        for batch in self.known.values():
            is_paused = batch.state is BatchState.PAUSED and (
                above is not None and above.state is BatchState.PAUSED
            )
            if not batch.ended and not is_paused:
                return f"a batch of items is {batch.state}, and there is no message of it"
        for index, until, memo in tables.waiting():
            items = decode(memo).awaited_children
            ended = [it for it in items if self.known[it.batch_id].ended]
            if ended and until > now:
                return f"record {index} waits for items that have ended"
        return ""

    def _check_move(self, before: Batch, batch: Batch) -> None:
        allowed = {state for it in TRANSITIONS[before.state].values() for state in it}
        if batch.state not in allowed:
            self.schedule.violate(
                "terminal never regresses", f"items: {before.state} became {batch.state}"
            )
        above = self.above
        if (
            batch.state is BatchState.FINALIZING
            and batch.ending is None
            and above is not None
            and above.ended
            and batch.parent is not None
            and batch.parent.generation == above.generation
        ):
            self.schedule.violate(
                "what is stopped stops all below it",
                f"items come to their end, and their batch is {above.state}",
            )
