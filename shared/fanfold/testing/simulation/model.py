"""The invariants, held against every step.

The model sees each call and its answer (simulation.proxies), and after each call that may have
changed something it reads the tables (simulation.tables).

| invariant                             | how it is looked at                                      |
|---------------------------------------|----------------------------------------------------------|
| counts are conserved                  | slots add up to the runs' documents, and to what waits   |
| a record is counted once              | no second COUNTED for a record of a generation           |
| terminal never regresses              | no document changes or goes; states follow the table     |
| one close per generation              | one move to finalizing; nothing lands after it           |
| a closed batch keeps no counters      | after a close there are no slots and no window           |
| the fold sees each record once        | each call of the fold: in order, as the documents say    |
| no more in flight than may be         | released less settled less waiting; and who runs a flow  |
| what runs has been released           | no flow runs beyond the window                           |
| an exclusive record is run by one     | no second one begins while the first one's lease lives   |
| a batch waits for those it comes after| see followers                                            |
| what is stopped stops all below it    | see children                                             |
| nothing is acked before it is settled | an acked run is settled or has a live document, or its   |
|                                       | batch takes no results                                   |

Each generation is held to all of them: what a retry chose is removed and settled anew, the rest
stays. What is looked at only when nobody can move is told in rest.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fanfold.domain.batch import ENDED, TRANSITIONS, Batch, BatchState
from fanfold.domain.run import Run, RunState
from fanfold.domain.settling import Verdict
from fanfold.domain.tally import Tally
from fanfold.folds.result import Result
from fanfold.ports import Delivery, Station
from fanfold.testing.clock import StillClock
from fanfold.testing.simulation.actors import Actor, Process
from fanfold.testing.simulation.children import Children
from fanfold.testing.simulation.followers import Followers, id_of
from fanfold.testing.simulation.proxies import Watch
from fanfold.testing.simulation.schedule import Schedule
from fanfold.testing.simulation.tables import WAITING, Document, LiveDocument, Seen, Tables

_STATUSES = tuple(
    str(it) for it in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED, RunState.SKIPPED)
)


_SIMULATED = id_of(0)


@dataclass(slots=True)
class Executing:
    """A flow's code that is being run."""

    process: Process
    index: int
    generation: int
    #: until when its lease keeps others away, where it has one
    until: float


@dataclass(slots=True)
class Model:
    schedule: Schedule
    tables: Tables
    clock: StillClock
    followers: Followers
    children: Children
    batch: Batch | None = None
    documents: dict[int, Document] = field(default_factory=dict)
    executing: list[Executing] = field(default_factory=list)
    _counted: set[tuple[int, int]] = field(default_factory=set)
    _closed: set[int] = field(default_factory=set)
    #: how many may be in flight: the limit, or what was when it was lowered
    _allowed: int = 0
    #: the last step at which the batch was paused
    _paused_at: int = 0
    #: by process and delivery, the step at which it was pulled
    _pulled: dict[tuple[Process | None, str], int] = field(default_factory=dict)
    #: whose claim each actor saw last, when it closed a batch
    _claims: dict[Actor | None, str] = field(default_factory=dict)
    #: generations whose results the fold has seen
    folded: set[int] = field(default_factory=set)

    def watch(self) -> Watch:
        watch = Watch()
        watch.before["queue.ack"] = self._acks
        watch.after["queue.pull"] = self._has_pulled
        watch.after["runs.settle"] = self._has_settled
        watch.after["batches.close"] = self._has_claimed
        for verb in ("create", "amend", "append", "reopen"):
            watch.after[f"batches.{verb}"] = self.has_batch
        for verb in ("leases.hold", "leases.take", "leases.wait", "leases.wake"):
            watch.after[verb] = self._has_changed
        watch.after["frontier.advance"] = self._has_changed
        return watch

    # ------------------------------------------------------ what is seen

    def _has_pulled(self, deliveries: list[Delivery], *_: object) -> None:
        who = self._who()
        for it in deliveries:
            self._pulled[who, it.token] = self.schedule.steps

    def _who(self) -> Process | None:
        return None if self.schedule.current is None else self.schedule.current.process

    def _has_changed(self, *_: object) -> None:
        self._look()

    def has_batch(self, batch: Batch, *_: object) -> None:
        self.followers.has(batch)
        self.children.has(batch)
        if batch.id != _SIMULATED:
            return
        before, self.batch = self.batch, batch
        if batch.state is BatchState.PAUSED:
            self._paused_at = self.schedule.steps
        if before is None or before is batch:
            self._look()
            return
        if before.state is BatchState.PAUSED:
            self._paused_at = self.schedule.steps
        self._check_move(before, batch)
        self._look()

    def _has_claimed(self, batch: Batch, *_: object) -> None:
        if batch.claim is not None and batch.id == _SIMULATED:
            self._claims[self.schedule.current] = batch.claim.owner
        self.has_batch(batch)

    def _check_move(self, before: Batch, batch: Batch) -> None:
        violate = self.schedule.violate
        if before.state is not batch.state:
            allowed = {state for it in TRANSITIONS[before.state].values() for state in it}
            reopened = before.state in ENDED and batch.generation > before.generation
            if batch.state not in allowed and not reopened:
                violate("terminal never regresses", f"{before.state} became {batch.state}")
        if before.ended and before.cut_short and batch.generation == before.generation:
            self._check_late_page(before, batch)
            return
        closed_anew = batch.closed is not None and batch.closed != before.closed
        if closed_anew or (
            batch.state is BatchState.FINALIZING and before.state is not BatchState.FINALIZING
        ):
            if batch.generation in self._closed:
                violate("one close per generation", f"{batch.generation} was closed twice")
            self._closed.add(batch.generation)
        if batch.generation > before.generation and batch.cut_short:
            violate("counts are conserved", "it is run again, and not all of its source is read")
        if batch.generation != before.generation:
            self._allowed = 0
        if batch.generation < before.generation:
            violate("terminal never regresses", "an older generation came back")
        if before.sealed and batch.generation == before.generation and batch.total != before.total:
            violate("counts are conserved", f"the total {before.total} became {batch.total}")

    def _check_late_page(self, before: Batch, batch: Batch) -> None:
        """Before a retry of what was stopped early, the rest of its source is read, and left
        undone like the records that were in the queue."""
        then, now = before.closed or Tally(), batch.closed or Tally()
        undone = now.canceled + now.skipped - then.canceled - then.skipped
        if undone != batch.known_total - before.known_total or (now.succeeded, now.failed) != (
            then.succeeded,
            then.failed,
        ):
            self.schedule.violate("counts are conserved", f"{then} became {now}")

    def _has_settled(
        self, verdicts: list[Verdict], batch: Batch, runs: Sequence[Run], *_: object
    ) -> None:
        if batch.id != _SIMULATED:
            return
        for run, verdict in zip(runs, verdicts, strict=True):
            if verdict is not Verdict.COUNTED:
                continue
            it = (run.generation, run.index)
            if it in self._counted:
                self.schedule.violate("a record is counted once", f"record {run.index} twice")
            self._counted.add(it)
            now = self.batch
            if now is None or not now.is_open or now.generation != run.generation:
                self.schedule.violate(
                    "one close per generation", f"record {run.index} was counted too late"
                )
        self._look()

    # ---------------------------------------------------- held against it

    def _look(self) -> None:
        batch = self.batch
        if batch is None:
            return
        seen = self.tables.look(batch.generation)
        self._check_documents(seen.documents, batch)
        if batch.closed is not None:
            if self.tables.kept_counters():
                self.schedule.violate(
                    "a closed batch keeps no counters", f"{batch.state}, and there are some left"
                )
            return
        self._check_counts(seen)
        if batch.options.concurrency is not None:
            self._check_flight(batch, seen)

    def _check_documents(self, documents: dict[int, Document], batch: Batch) -> None:
        known = self.documents
        if documents == known:
            return
        for index, document in known.items():
            now = documents.get(index)
            if now != document and document[0] >= batch.generation:
                self.schedule.violate(
                    "terminal never regresses",
                    f"record {index}: {document[:3]} became {now and now[:3]}",
                )
        if batch.closed is not None and documents.keys() - known.keys():
            self.schedule.violate(
                "one close per generation", f"results landed in a batch that is {batch.state}"
            )
        self.documents = documents

    def settled(self) -> set[int]:
        """The records that are settled in the batch's generation."""
        now = 0 if self.batch is None else self.batch.generation
        return {index for index, (generation, *_) in self.documents.items() if generation == now}

    def seen(self) -> Seen:
        return self.tables.look(0 if self.batch is None else self.batch.generation)

    def lives(self) -> dict[int, LiveDocument]:
        return self.seen().lives

    def _check_counts(self, seen: Seen) -> None:
        documents, lives, slots = seen.documents, seen.lives, seen.slots
        settled = self.settled()
        found = Counter(documents[index][1] for index in settled)
        counted = (slots.succeeded, slots.failed, slots.canceled, slots.skipped)
        if counted != tuple(found[it] for it in _STATUSES):
            self.schedule.violate(
                "counts are conserved", f"counted {counted}, but there are {dict(found)}"
            )
        waiting = sum(it[0] == WAITING for it in lives.values())
        if slots.waiting != waiting:
            self.schedule.violate(
                "counts are conserved", f"{slots.waiting} count as waiting, but {waiting} do"
            )
        if both := sorted(settled & lives.keys()):
            self.schedule.violate("counts are conserved", f"{both} are settled, and live")

    def _check_flight(self, batch: Batch, seen: Seen) -> None:
        limit = batch.options.concurrency or 0
        flight = (seen.released or 0) - seen.slots.settled - seen.slots.waiting
        allowed = max(limit, self._allowed)
        if flight > allowed:
            self.schedule.violate(
                "no more in flight than may be", f"{flight} are, and {allowed} may be"
            )
        self._allowed = max(limit, flight)
        if (seen.released or 0) > batch.releasable:
            self.schedule.violate(
                "a canary runs alone", f"{seen.released} are released, before it is judged"
            )

    # -------------------------------------------------------------- acks

    def _acks(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            station = delivery.origin or delivery.station
            if station is Station.RUNS:
                self._check_ack(delivery)

    def _check_ack(self, delivery: Delivery) -> None:
        batch = self.batch
        message: dict[str, Any] = json.loads(delivery.body)
        index, generation = message["index"], message["generation"]
        if message["batch_id"] != _SIMULATED:
            return
        if batch is None or not batch.is_open or batch.generation != generation:
            return
        if index in self.settled() or index in self.lives():
            return
        pulled = self._pulled.get((self._who(), delivery.token), 0)
        if batch.options.concurrency is None and self._paused_at >= pulled:
            return  # whoever resumes it publishes it anew
        if batch.state is BatchState.PAUSED and batch.options.concurrency is None:
            return
        self.schedule.violate(
            "nothing is acked before it is settled",
            f"the message of record {index} is acked, which nobody has settled and nobody holds",
        )

    # ------------------------------------------------------------- flows

    def begins(self, index: int, *, exclusive: bool) -> Executing:
        """A flow's code is about to run."""
        schedule, batch = self.schedule, self.batch
        actor = schedule.current
        assert actor is not None
        generation = actor.generation
        now = self.clock.now()
        if exclusive:
            for it in self.executing:
                if it.index == index and it.generation == generation and it.until > now:
                    schedule.violate(
                        "an exclusive record is run by one",
                        f"{actor.process.name} begins record {index}, and {it.process.name} "
                        "is at it",
                    )
        _, until, owner = self.tables.look(generation).lives.get(index, ("", 0.0, None))
        leased_until = until if owner == actor.process.name else 0.0
        mine = Executing(actor.process, index, generation, leased_until)
        self.executing.append(mine)
        if (
            batch is not None
            and batch.is_open
            and batch.generation == generation
            and batch.options.concurrency is not None
        ):
            self._check_executing(batch, index)
        return mine

    def _check_executing(self, batch: Batch, index: int) -> None:
        seen, settled = self.seen(), self.settled()
        lives = seen.lives
        flying = {
            it.index
            for it in self.executing
            if it.generation == batch.generation
            and it.index not in settled
            and not (it.index in lives and lives[it.index][0] == WAITING)
        }
        if len(flying) > self._allowed:
            self.schedule.violate(
                "no more in flight than may be",
                f"records {sorted(flying)} are run, and {self._allowed} may be",
            )
        released = seen.released
        in_order = not batch.options.shuffle and not batch.order
        if in_order and released is not None and index >= released:
            self.schedule.violate(
                "what runs has been released", f"record {index} of {released} released ones"
            )

    def ends(self, executing: Executing) -> None:
        if executing in self.executing:
            self.executing.remove(executing)

    def dies(self, process: Process) -> None:
        self.executing = [it for it in self.executing if it.process is not process]

    def total(self) -> int:
        """All records there are; or what was read, of a batch that was stopped before the end of
        its source."""
        batch = self.batch
        if batch is None or batch.cut_short:
            return 0 if batch is None else batch.known_total
        return len(self.schedule.plan.fates)

    def folds(self, results: list[Result]) -> None:
        """Of a finalizer that still is one: what another makes of them is thrown away."""
        batch = self.batch
        claim = None if batch is None else batch.claim
        if claim is None or claim.owner != self._claims.get(self.schedule.current):
            return
        if batch is None or batch.closed is None:
            self.schedule.violate("the fold sees each record once", "it was called before a close")
            return
        seen = [it.index for it in results]
        if seen != list(range(self.total())):
            self.schedule.violate("the fold sees each record once", f"it saw {seen}")
        for it in results:
            document = self.documents.get(it.index)
            if document is None or document[1] != it.status:
                self.schedule.violate(
                    "the fold sees each record once", f"record {it.index} as {it.status}"
                )
        self.folded.add(batch.generation)
