"""Settling: one blind commit, no read, and its answers.

    create runs/{run} for each outcome (must not exist)
    + increments on this process' slot (must exist)

| answer         | then                                                                      |
|----------------|---------------------------------------------------------------------------|
| done           | each is counted with its result, in the same instant, once                |
| ALREADY_EXISTS | settled before, or this commit's reply was lost: drop those, again        |
| NOT_FOUND      | make the slot if the batch is open, and again; else all are late          |
| changed since  | a live document that is to go has changed: read it again                  |
| refused        | OutcomeRefused: the caller halves the group                               |
| aborted, lost  | again, after a pause: whatever happened, the documents tell               |
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.domain.run import Run, RunState
from fanfold.domain.tally import Tally, tally_of
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout, batch_of, run_fields, run_of
from fanfold.engines.google.firestore import (
    Aborted,
    Document,
    Exists,
    Missing,
    Stale,
    Unfit,
    Unsure,
    Where,
    pauses_until,
)
from fanfold.engines.google.slots import Slots, tally_from
from fanfold.errors import OutcomeRefused
from fanfold.ports import Recount, Settled, Verdict

_PATIENCE = 120.0
#: far below the 10 MiB of one request, and the 4 MiB that the emulator takes
_COMMIT_BYTES = 3 * 1024 * 1024
_COMMIT_RUNS = 100
_READ = 300


class GoogleRuns:
    def __init__(self, layout: Layout, slots: Slots) -> None:
        self._layout = layout
        self._firestore = layout.firestore
        self._slots = slots

    def settle(
        self, batch: Batch, runs: Sequence[Run], leased: Collection[int] = ()
    ) -> list[Verdict]:
        fields = [run_fields(run) for run in runs]  # refuses before anything is written
        verdicts: dict[int, Verdict] = {}
        first: dict[int, tuple[Run, dict[str, Any]]] = {}
        for run, its in zip(runs, fields, strict=True):
            first.setdefault(run.index, (run, its))
        for part in _parts(list(first.values())):
            verdicts |= self._settle_part(batch, part, set(leased))
        answers = []
        for run in runs:
            answers.append(verdicts[run.index])
            if verdicts[run.index] is Verdict.COUNTED:
                verdicts[run.index] = Verdict.ALREADY  # the same run once more in this group
        return answers

    def _settle_part(
        self, batch: Batch, part: list[tuple[Run, dict[str, Any]]], leased: Collection[int]
    ) -> dict[int, Verdict]:
        verdicts: dict[int, Verdict] = {}
        everyone = part
        lives = self._lives(batch, everyone, leased)
        pauses = pauses_until(_PATIENCE)
        while part or lives:
            try:
                self._firestore.commit(self._writes(batch, part, lives))
            except Exists:
                part = self._drop_settled(batch, part, verdicts)
            except Missing:
                if not self._slots.open(batch):
                    return verdicts | _all(part, Verdict.LATE)
                lives = self._lives(batch, everyone, leased)
            except Stale:
                lives = self._lives(batch, everyone, leased)
            except Unfit as error:
                raise OutcomeRefused(str(error)) from error
            except (Aborted, Unsure):
                if not next(pauses, False):
                    raise
            else:
                return verdicts | _all(part, Verdict.COUNTED)
        return verdicts

    def _writes(
        self, batch: Batch, part: list[tuple[Run, dict[str, Any]]], lives: dict[str, Document]
    ) -> list[Any]:
        """With the end of all leases and waits that are known, of runs settled by others too."""
        waiting = sum(it.fields["state"] == RunState.WAITING for it in lives.values())
        tally = replace(tally_of([run for run, _ in part]), woken=waiting)
        return [
            *(values.create(self._layout.run(batch.id, run.index), its) for run, its in part),
            *(values.delete(path, since=it.update_time) for path, it in lives.items()),
            *([self._slots.add(batch, tally)] if part or waiting else []),
        ]

    def _drop_settled(
        self,
        batch: Batch,
        part: list[tuple[Run, dict[str, Any]]],
        verdicts: dict[int, Verdict],
    ) -> list[tuple[Run, dict[str, Any]]]:
        paths = {self._layout.run(batch.id, run.index): run.index for run, _ in part}
        for path in self._firestore.get(paths, fields=[]):
            verdicts[paths[path]] = Verdict.ALREADY
        return [(run, its) for run, its in part if run.index not in verdicts]

    def _lives(
        self, batch: Batch, part: list[tuple[Run, dict[str, Any]]], leased: Collection[int]
    ) -> dict[str, Document]:
        indexes = [run.index for run, _ in part if run.index in leased]
        return self._firestore.get(self._layout.life(batch.id, index) for index in indexes)

    def read(self, batch_id: str, indexes: Iterable[int]) -> dict[int, Run]:
        wanted = list(indexes)
        found: dict[int, Run] = {}
        for start in range(0, len(wanted), _READ):
            paths = [self._layout.run(batch_id, it) for it in wanted[start : start + _READ]]
            for document in self._firestore.get(paths).values():
                run = run_of(document)
                found[run.index] = run
        return found

    def outcomes(self, batch_id: str, start: int, stop: int) -> Iterable[Settled]:
        found = self.read(batch_id, range(start, stop))
        for index in sorted(found):
            run = found[index]
            yield Settled(index, run.key, run.state, None, run.outcome)

    def settled(self, batch_id: str) -> int:
        sums = self._firestore.aggregate(self._layout.batch(batch_id), "slots", sums=["settled"])
        return int(sums["settled"] or 0)

    def tally(self, batch_id: str) -> Tally:
        path = self._layout.batch(batch_id)
        batch = batch_of(self._firestore.get_one(path), batch_id)
        if batch.closed is not None:
            return batch.closed
        tally = tally_from(self._firestore.query(path, "slots"))
        if batch.options.concurrency is None:
            return tally
        window = self._firestore.get_one(self._layout.window(batch_id))
        return (
            tally if window is None else replace(tally, woken=tally.woken + window.fields["woken"])
        )

    def recount(self, batch_id: str) -> Recount:
        counts: dict[RunState, int] = {}
        digest = 0
        for state in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED, RunState.SKIPPED):
            where = [Where("batch", "==", batch_id), Where("status", "==", str(state))]
            found = self._firestore.aggregate(
                "", self._layout.runs, where, sums=["digest"], count=True
            )
            counts[state] = int(found["count"] or 0)
            digest += int(found["digest"] or 0)
        return Recount(
            counts[RunState.SUCCEEDED],
            counts[RunState.FAILED],
            counts[RunState.CANCELED],
            counts[RunState.SKIPPED],
            digest,
        )

    def slowest(self, batch_id: str, limit: int) -> list[Run]:
        where = [Where("batch", "==", batch_id)]
        found = self._firestore.query(
            "", self._layout.runs, where, order="seconds", descending=True, limit=limit
        )
        return [run_of(document) for document in found]


def _all(part: list[tuple[Run, dict[str, Any]]], verdict: Verdict) -> dict[int, Verdict]:
    return {run.index: verdict for run, _ in part}


def _parts(
    runs: list[tuple[Run, dict[str, Any]]],
) -> Iterator[list[tuple[Run, dict[str, Any]]]]:
    part: list[tuple[Run, dict[str, Any]]] = []
    size = 0
    for run, its in runs:
        room = _size(its["output"] or "") + _size(its["detail"]) + 1000
        if part and (size + room > _COMMIT_BYTES or len(part) >= _COMMIT_RUNS):
            yield part
            part, size = [], 0
        part.append((run, its))
        size += room
    if part:
        yield part


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
