"""Leases of long runs, and runs that wait, in documents.

Only a run that lives long enough to be interrupted has one, so these may read before they write:
what they read is the run's own, never shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from fanfold.domain import run as rules
from fanfold.domain.batch import Batch
from fanfold.domain.run import Live, RunState
from fanfold.domain.tally import Tally
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout, live_fields, live_of
from fanfold.engines.google.firestore import Aborted, Document, Missing, Stale, Unsure, pauses_until
from fanfold.engines.google.querying import Where
from fanfold.engines.google.removing import remove
from fanfold.engines.google.slots import Opened, Slots

_PATIENCE = 60.0
_GROUP = 100
#: lives that are looked at to tell whose they are
_MANY_DUE = 300
_ALIVE = (RunState.RUNNING, RunState.QUEUED, RunState.WAITING)
_AT_ONCE = 8


class GoogleLeases:
    def __init__(self, layout: Layout, slots: Slots) -> None:
        self._layout = layout
        self._firestore = layout.firestore
        self._slots = slots

    def running(self, batch_id: str, now: float) -> int:
        where = [
            Where("batch", "==", batch_id),
            Where("state", "==", str(RunState.RUNNING)),
            Where("until", ">", now),
        ]
        found = self._firestore.aggregate("", self._layout.live, where, count=True)
        return int(found["count"] or 0)

    def hold(self, batch: Batch, lives: Sequence[Live]) -> None:
        self._write_all(batch, lives, Tally())

    def take(self, batch: Batch, live: Live, now: float) -> bool:
        run = self._layout.run(batch.id, live.index)
        life = self._layout.life(batch.id, live.index)

        def work(transaction: bytes) -> tuple[list[Any], bool]:
            known = self._firestore.get([run, life], transaction=transaction)
            lives = live_of(known[life]) if life in known else None
            if run in known or not rules.is_free(lives, live.owner or "", now):
                return [], False
            return [values.put(life, live_fields(rules.remembering(live, lives)))], True

        return self._firestore.transact(work)

    def wait(self, batch: Batch, lives: Sequence[Live]) -> None:
        self._write_all(batch, lives, Tally(waits=1))

    def _write_all(self, batch: Batch, lives: Sequence[Live], counted: Tally) -> None:
        """A transaction each, some at once: a worker that leaves has seconds for all it holds."""
        if len(lives) == 1:
            self._write(batch, lives[0], counted)
            return
        with ThreadPoolExecutor(_AT_ONCE, "fanfold-leases") as pool:
            for done in [pool.submit(self._write, batch, live, counted) for live in lives]:
                done.result()

    def _write(self, batch: Batch, live: Live, counted: Tally) -> None:
        """Unless it is settled, or waits already; with what that counts in the same commit."""
        run = self._layout.run(batch.id, live.index)
        life = self._layout.life(batch.id, live.index)

        slot = self._slots.next(batch)

        def work(transaction: bytes) -> tuple[list[Any], None]:
            known = self._firestore.get([run, life], transaction=transaction)
            if run in known:
                return [], None
            if life in known and known[life].fields["state"] == RunState.WAITING:
                return [], None
            before = live_of(known[life]) if life in known else None
            writes = [values.put(life, live_fields(rules.remembering(live, before)))]
            if counted.waits:
                writes.append(self._slots.add(slot, batch, counted))
            return writes, None

        while True:
            try:
                return self._firestore.transact(work)
            except Missing:  # the slot; it may also go between its making and this
                if self._slots.open(slot, batch) is Opened.CLOSED:
                    return None

    def wake(self, batch: Batch, now: float, until: float, limit: int) -> list[Live]:
        pauses = pauses_until(_PATIENCE)
        slot = self._slots.next(batch)
        while True:
            due = self._due(batch, now, limit)
            # of an older generation's run, which was late: nobody asked for it in this one
            late = {it.path for it in due if it.fields["generation"] < batch.generation}
            settled = self._settled(batch, due) | late
            woken = [document for document in due if document.path not in settled]
            queued = [rules.wake(live_of(document), until) for document in woken]
            writes = [
                values.change(it.path, live_fields(live), since=it.update_time)
                for it, live in zip(woken, queued, strict=True)
            ] + [values.delete(it.path, since=it.update_time) for it in due if it.path in settled]
            waited = sum(
                it.fields["state"] == RunState.WAITING and it.path not in late for it in due
            )
            if waited:
                writes.append(self._slots.add(slot, batch, Tally(woken=waited)))
            if not writes:
                return []
            try:
                self._firestore.commit(writes)
            except Missing:
                if self._slots.open(slot, batch) is Opened.CLOSED:
                    return []
            except (Stale, Aborted, Unsure):
                # after a lost reply those that were woken are not due any more: published later
                if not next(pauses, False):
                    raise
            else:
                return queued

    def due(self, now: float) -> set[str] | None:
        where = [Where("state", "in", sorted(map(str, _ALIVE))), Where("until", "<=", now)]
        found = self._firestore.query(
            "", self._layout.live, where, order="until", limit=_MANY_DUE, fields=["batch"]
        )
        return None if len(found) == _MANY_DUE else {str(it.fields["batch"]) for it in found}

    def clear(self, batch: Batch) -> None:
        for state in _ALIVE:
            for page in self._pages(batch.id, state):
                remove(self._firestore, partial(self._older, batch, [it.path for it in page]))

    def _pages(self, batch_id: str, state: RunState) -> Iterator[list[Document]]:
        where = [Where("batch", "==", batch_id), Where("state", "==", str(state))]
        after: tuple[float, str] | None = None
        while page := self._firestore.query(
            "", self._layout.live, where, order="until", after=after, limit=_GROUP
        ):
            yield page
            after = (page[-1].fields["until"], page[-1].path)

    def _older(self, batch: Batch, paths: list[str]) -> list[Document]:
        found = self._firestore.get(paths).values()
        return [it for it in found if it.fields["generation"] < batch.generation]

    def waiting(self, batch_id: str) -> Iterator[Live]:
        for page in self._pages(batch_id, RunState.WAITING):
            yield from map(live_of, page)

    def amend(self, batch_id: str, index: int, arrow: Callable[[Live], Live]) -> Live | None:
        path = self._layout.life(batch_id, index)

        def work(document: Document | None) -> tuple[list[Any], Live | None]:
            if document is None:
                return [], None
            live = live_of(document)
            changed = arrow(live)
            if changed is live:
                return [], live
            return [values.change(path, live_fields(changed), since=document.update_time)], changed

        return self._firestore.swap(path, work)

    def lives(self, batch_id: str, indexes: Iterable[int]) -> dict[int, Live]:
        wanted = list(indexes)
        found: dict[int, Live] = {}
        for start in range(0, len(wanted), _GROUP):
            paths = [self._layout.life(batch_id, it) for it in wanted[start : start + _GROUP]]
            for document in self._firestore.get(paths).values():
                live = live_of(document)
                found[live.index] = live
        return found

    def _due(self, batch: Batch, now: float, limit: int) -> list[Document]:
        states = [RunState.RUNNING, RunState.QUEUED]
        if batch.options.concurrency is None:
            states.append(RunState.WAITING)
        found: list[Document] = []
        for state in states:
            where = [
                Where("batch", "==", batch.id),
                Where("state", "==", str(state)),
                Where("until", "<=", now),
            ]
            found += self._firestore.query(
                "", self._layout.live, where, order="until", limit=min(limit, _GROUP)
            )
        return found[:limit]

    def _settled(self, batch: Batch, due: Sequence[Document]) -> set[str]:
        """Those whose run was settled by somebody who did not know of the live document."""
        runs = {
            self._layout.run(batch.id, document.fields["index"]): document.path for document in due
        }
        return {runs[path] for path in self._firestore.get(runs, fields=[])}
