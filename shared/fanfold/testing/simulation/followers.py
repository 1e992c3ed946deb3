"""Batches that come after the one that is simulated, and what is held against them.

They have no records: one begins when those it comes after have ended, and has ended when nobody
needs it any more. So a schedule is not longer for them than it takes to bring them on.

| invariant                                | how it is looked at                                   |
|------------------------------------------|-------------------------------------------------------|
| a batch waits for those it comes after   | when one begins, each of these has ended as it wants; |
|                                          | when one is skipped, one of them has ended otherwise  |
| terminal never regresses                 | states follow the table                               |
| nothing needs the sweep that has a       | at rest each has ended whose others have (rest)       |
| message                                  |                                                       |
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fanfold.domain.batch import TRANSITIONS, Batch, BatchState
from fanfold.domain.following import Waiting, outlook, waits
from fanfold.domain.ids import batch_id_for_request
from fanfold.testing.simulation.plan import Follower
from fanfold.testing.simulation.schedule import Schedule


def request_of(number: int) -> str:
    """0 is the batch that is simulated."""
    return f"follower {number}" if number else "once"


def id_of(number: int) -> str:
    return batch_id_for_request("local", request_of(number))


def options_of(follower: Follower) -> dict[str, object]:
    return {"after": [id_of(it) for it in follower.after], "after_on": follower.on}


@dataclass(slots=True)
class Followers:
    schedule: Schedule
    #: as they were seen last, with the one that is simulated
    known: dict[str, Batch] = field(default_factory=dict)
    #: how each has ended, whenever that was
    _ends: dict[str, set[BatchState]] = field(default_factory=dict)

    def has(self, batch: Batch) -> None:
        before, self.known[batch.id] = self.known.get(batch.id), batch
        if batch.ended:
            self._ends.setdefault(batch.id, set()).add(batch.state)
        if not batch.options.after:
            return
        if before is not None and before.state is not batch.state:
            self._check_move(before, batch)
        if batch.started_at is not None and (before is None or before.started_at is None):
            self._check_begin(batch)

    def left_behind(self) -> str:
        """One that has not ended, and waits for nobody; empty: there is none."""
        for batch in self.known.values():
            if not batch.options.after or batch.ended:
                continue
            seen = outlook(batch, self.known) if waits(batch) else None
            if not isinstance(seen, Waiting):
                return f"one that comes after others is {batch.state}, and they have ended"
        return ""

    def _check_move(self, before: Batch, batch: Batch) -> None:
        allowed = {state for it in TRANSITIONS[before.state].values() for state in it}
        if batch.state not in allowed:
            self.schedule.violate(
                "terminal never regresses", f"{before.state} became {batch.state}"
            )
        if batch.state is BatchState.SKIPPED:
            self.schedule.happened.append("follower: skipped")
            if all(self._ends.get(it) == {BatchState.COMPLETED} for it in batch.options.after):
                self.schedule.violate(
                    "a batch waits for those it comes after",
                    "one is skipped, and they have completed",
                )

    def _check_begin(self, batch: Batch) -> None:
        self.schedule.happened.append("follower: begun")
        for name in batch.options.after:
            ends = self._ends.get(name, set())
            if not ends or (
                batch.options.after_on == "success" and BatchState.COMPLETED not in ends
            ):
                self.schedule.violate(
                    "a batch waits for those it comes after",
                    f"one begins, and another one {sorted(ends)}",
                )
