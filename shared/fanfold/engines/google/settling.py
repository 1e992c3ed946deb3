"""Settling: one blind commit, no read, and its answers.

    create runs/{run} for each outcome (must not exist)
    + increments on one of this process' slots (must exist)

| answer         | then                                                                      |
|----------------|---------------------------------------------------------------------------|
| done           | each is counted with its result, in the same instant, once                |
| ALREADY_EXISTS | settled before, or this commit's reply was lost: drop those, again        |
| NOT_FOUND      | make the slot if the batch is open, with what was to go there; else late  |
| changed since  | a live document that is to go has changed: read it again                  |
| refused        | OutcomeRefused: the caller halves the group                               |
| aborted        | again, on another slot too; where all are taken, after a pause            |
| lost           | again, after a pause: whatever happened, the documents tell               |
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.domain.run import Run, RunState
from fanfold.domain.settling import Effort, Verdict
from fanfold.domain.tally import Tally, tally_of
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout
from fanfold.engines.google.firestore import (
    Aborted,
    Document,
    Exists,
    Missing,
    Stale,
    Unfit,
    Unsure,
    pauses_until,
)
from fanfold.engines.google.slots import Opened, Slots
from fanfold.errors import OutcomeRefused

_PATIENCE = 120.0
#: a run, and the write that creates its document
Create = tuple[Run, Any]


class Settling:
    """One commit's worth of outcomes of one batch, on its way into the store."""

    def __init__(
        self,
        layout: Layout,
        slots: Slots,
        batch: Batch,
        part: list[Create],
        leased: Collection[int],
        effort: Effort,
    ) -> None:
        self._layout = layout
        self._firestore = layout.firestore
        self._slots = slots
        self._batch = batch
        self._left = part
        self._effort = effort
        self._spent = effort.spend()
        self._places = [layout.life(batch.id, it.index) for it, _ in part if it.index in leased]
        #: the live documents of these runs, which end with them, also of runs settled by others
        self._lives: dict[str, Document] = {}
        self._pauses = pauses_until(_PATIENCE)
        self._slot = slots.next(batch)
        self._is_there = True
        self._verdicts: dict[int, Verdict] = {}

    def run(self) -> dict[int, Verdict]:
        """By index. Raises OutcomeRefused."""
        self._look()
        done: Verdict | None = None
        while done is None and (self._left or self._lives):
            try:
                done = self._commit() if self._is_there else self._open()
            except Exists:
                self._drop_settled()
            except Missing:  # the slot, or a live document
                self._is_there = False
            except Stale:
                self._look()
            except Unfit as error:
                raise OutcomeRefused(str(error)) from error
            except (Aborted, Unsure) as error:
                self._again(error)
        if done is not None:
            self._verdicts |= {run.index: done for run, _ in self._left}
        return self._verdicts

    def _commit(self) -> Verdict:
        tally = self._tally
        writes = [create for _, create in self._left]
        writes += [values.delete(path, since=it.update_time) for path, it in self._lives.items()]
        if self._left or tally.woken:
            writes.append(self._slots.add(self._slot, self._batch, tally))
        self._firestore.commit(writes)
        return Verdict.COUNTED

    def _open(self) -> Verdict | None:
        """Make the slot, with what was to be settled there if no live document goes with it, which
        might have changed. None: there it is now, try again."""
        if self._lives:
            opened = self._slots.open(self._slot, self._batch)
        else:
            creates = [create for _, create in self._left]
            opened = self._slots.open(self._slot, self._batch, self._tally, creates)
        if opened is Opened.CLOSED:
            return Verdict.LATE
        if opened is Opened.MADE and not self._lives:
            return Verdict.COUNTED
        self._is_there = True
        self._look()
        return None

    def _again(self, error: Aborted | Unsure) -> None:
        self._effort.repeats += 1
        self._spent.repeats += 1
        # another slot need not be waited for
        moves = isinstance(error, Aborted) and self._slots.spread(self._batch)
        if not moves and not next(self._pauses, False):
            raise error
        self._slot, self._is_there = self._slots.next(self._batch), True

    def _drop_settled(self) -> None:
        paths = {create.update.name: run.index for run, create in self._left}
        for path in self._firestore.get(paths, fields=[]):
            self._verdicts[paths[path]] = Verdict.ALREADY
        self._left = [(run, it) for run, it in self._left if run.index not in self._verdicts]

    def _look(self) -> None:
        self._lives = self._firestore.get(self._places)

    @property
    def _tally(self) -> Tally:
        return replace(
            tally_of([run for run, _ in self._left]),
            woken=sum(it.fields["state"] == RunState.WAITING for it in self._lives.values()),
            commits=1,
            repeats=self._spent.repeats,
            halvings=self._spent.halvings,
            gathered=self._spent.gathered,
        )
