"""Runs in documents: settled in commits (settling), counted in slots, read by their names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from operator import attrgetter

from fanfold.domain.batch import Batch
from fanfold.domain.run import Run, RunState
from fanfold.domain.settling import Effort, Recount, Settled, Verdict
from fanfold.domain.tally import Tally
from fanfold.engines.google.documents import (
    SETTLED_FIELDS,
    Layout,
    batch_of,
    generation_of,
    run_of,
    run_write,
    settled_of,
)
from fanfold.engines.google.firestore import Document
from fanfold.engines.google.querying import NAME, Where
from fanfold.engines.google.removing import remove
from fanfold.engines.google.settling import Create, Settling
from fanfold.engines.google.slots import Slots, tally_from

#: far below the 10 MiB of one request, and the 4 MiB that the emulator takes
_COMMIT_BYTES = 3 * 1024 * 1024
_COMMIT_RUNS = 500
#: what a write takes beside its content
_ROOM = 100
_READ = 500
_TERMINAL = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED, RunState.SKIPPED)


class GoogleRuns:
    #: an answer takes tens of milliseconds to come
    reads_ahead = 3

    def __init__(self, layout: Layout, slots: Slots) -> None:
        self._layout = layout
        self._firestore = layout.firestore
        self._slots = slots

    def settle(
        self,
        batch: Batch,
        runs: Sequence[Run],
        leased: Collection[int] = (),
        effort: Effort | None = None,
    ) -> list[Verdict]:
        effort = effort or Effort()
        # refuses before anything is written
        creates = [run_write(self._layout.run(batch.id, run.index), run) for run in runs]
        verdicts: dict[int, Verdict] = {}
        first: dict[int, Create] = {}
        for run, create in zip(runs, creates, strict=True):
            first.setdefault(run.index, (run, create))
        for part in _parts(list(first.values())):
            settling = Settling(self._layout, self._slots, batch, part, set(leased), effort)
            verdicts |= settling.run()
        answers = []
        for run in runs:
            answers.append(verdicts[run.index])
            if verdicts[run.index] is Verdict.COUNTED:
                verdicts[run.index] = Verdict.ALREADY  # the same run once more in this group
        return answers

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
        for low in range(start, stop, _READ):
            indexes = range(low, min(low + _READ, stop))
            paths = [self._layout.run(batch_id, index) for index in indexes]
            found = self._firestore.get_raw(paths, fields=SETTLED_FIELDS)
            yield from sorted(map(settled_of, found), key=attrgetter("index"))

    def in_state(self, batch_id: str, state: RunState) -> Iterator[Run]:
        where = [Where("batch", "==", batch_id), Where("status", "==", str(state))]
        after: tuple[str, str] | None = None
        while True:
            found = self._firestore.query(
                "", self._layout.runs, where, order=NAME, after=after, limit=_READ
            )
            yield from map(run_of, found)
            if len(found) < _READ:
                return
            after = (str(state), found[-1].path)

    def clear(self, batch: Batch, indexes: Sequence[int]) -> None:
        for start in range(0, len(indexes), _READ):
            paths = [self._layout.run(batch.id, it) for it in indexes[start : start + _READ]]
            remove(self._firestore, partial(self._older, batch, paths))

    def _older(self, batch: Batch, paths: list[str]) -> list[Document]:
        found = self._firestore.get(paths, fields=["about"])
        return [it for it in found.values() if generation_of(it) < batch.generation]

    def settled(self, batch_id: str) -> int:
        sums = self._firestore.aggregate(self._layout.batch(batch_id), "slots", sums=["settled"])
        return int(sums["settled"] or 0)

    def spent(self, batch_id: str) -> int:
        sums = self._firestore.aggregate(self._layout.batch(batch_id), "slots", sums=["spent"])
        return int(sums["spent"] or 0)

    def tally(self, batch_id: str) -> Tally:
        path = self._layout.batch(batch_id)
        batch = batch_of(self._firestore.get_one(path), batch_id)
        if batch.closed is not None:
            return batch.closed
        tally = batch.kept + tally_from(self._firestore.query(path, "slots"))
        if batch.options.concurrency is None:
            return tally
        window = self._firestore.get_one(self._layout.window(batch_id))
        return (
            tally if window is None else replace(tally, woken=tally.woken + window.fields["woken"])
        )

    def recount(self, batch_id: str) -> Recount:
        """All of them, and state by state until that is all there is: mostly the first is. Those
        two are asked for at once."""
        here = [Where("batch", "==", batch_id)]
        in_state = {it: [*here, Where("status", "==", str(it))] for it in _TERMINAL}
        counts = dict.fromkeys(_TERMINAL, 0)
        with ThreadPoolExecutor(2, "fanfold-recount") as pool:
            asked = [pool.submit(self._count, it) for it in (here, in_state[_TERMINAL[0]])]
            (total, digest), (counts[_TERMINAL[0]], _) = (it.result() for it in asked)
        for state in _TERMINAL[1:]:
            if sum(counts.values()) != total:
                counts[state], _ = self._count(in_state[state])
        succeeded, failed, canceled, skipped = (counts[state] for state in _TERMINAL)
        return Recount(succeeded, failed, canceled, skipped, digest)

    def _count(self, where: list[Where]) -> tuple[int, int]:
        """How many, and their digest."""
        found = self._firestore.aggregate("", self._layout.runs, where, sums=["digest"], count=True)
        return int(found["count"] or 0), int(found["digest"] or 0)

    def slowest(self, batch_id: str, limit: int) -> list[Run]:
        where = [Where("batch", "==", batch_id)]
        found = self._firestore.query(
            "", self._layout.runs, where, order="seconds", descending=True, limit=limit
        )
        return [run_of(document) for document in found]


def _parts(creates: list[Create]) -> Iterator[list[Create]]:
    part: list[Create] = []
    size = 0
    for create in creates:
        room = create[1].ByteSize() + _ROOM
        if part and (size + room > _COMMIT_BYTES or len(part) >= _COMMIT_RUNS):
            yield part
            part, size = [], 0
        part.append(create)
        size += room
    if part:
        yield part
