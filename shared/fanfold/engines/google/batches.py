"""Batches, their pages, and closing, in documents."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Claim
from fanfold.domain.finalizing import claim_again
from fanfold.domain.lineage import Kind
from fanfold.domain.paging import move_checkpoint, takes_pages
from fanfold.domain.records import Page, Record, unpack_records
from fanfold.domain.source import Checkpoint
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout, batch_fields, batch_of, existing
from fanfold.engines.google.firestore import Document
from fanfold.engines.google.querying import Where
from fanfold.engines.google.slots import tally_from

_DELETES = 500
_NOTHING_RELEASED = {"released": 0, "woken": 0, "pending": "{}"}


class GoogleBatches:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._firestore = layout.firestore

    def create(self, batch: Batch) -> Batch:
        path = self._layout.batch(batch.id)
        writes = [values.create(path, batch_fields(batch))]
        if batch.options.concurrency is not None:
            writes.append(values.create(self._layout.window(batch.id), _NOTHING_RELEASED))
        return batch if self._firestore.create(writes) else self.get(batch.id)

    def get(self, batch_id: str) -> Batch:
        return batch_of(self._firestore.get_one(self._layout.batch(batch_id)), batch_id)

    def find(
        self,
        states: Collection[BatchState] | None = None,
        limit: int = 100,
        before: str = "",
        kinds: Collection[Kind] | None = None,
        parent: str | None = None,
    ) -> list[Batch]:
        last = self.get(before) if before else None
        after = (last.created_at, self._layout.batch(last.id)) if last else None
        if parent is not None:
            where = [Where("parent", "==", parent)]
        else:
            where = [] if states is None else [Where("state", "in", sorted(map(str, states)))]
            where += [] if kinds is None else [Where("kind", "in", sorted(map(str, kinds)))]
        documents = self._firestore.query(
            "",
            self._layout.batches,
            where,
            order="created_at",
            descending=True,
            after=after,
            limit=limit,
        )
        return [batch_of(document, document.id) for document in documents]

    def followers(self, batch_id: str) -> list[Batch]:
        where = [Where("awaited", "contains", batch_id)]
        documents = self._firestore.query("", self._layout.batches, where)
        return [batch_of(document, document.id) for document in documents]

    def amend(self, batch_id: str, arrow: Callable[[Batch], Batch]) -> Batch:
        return self._amend(batch_id, arrow)

    def reopen(self, batch_id: str, arrow: Callable[[Batch], Batch]) -> Batch:
        window = values.put(self._layout.window(batch_id), _NOTHING_RELEASED)
        return self._amend(batch_id, arrow, [window])

    def _amend(
        self, batch_id: str, arrow: Callable[[Batch], Batch], more: Sequence[Any] = ()
    ) -> Batch:
        path = self._layout.batch(batch_id)
        mark = secrets.token_hex(8)

        def work(document: Document | None) -> tuple[list[Any], Batch]:
            document = existing(document, batch_id)
            batch = batch_of(document, batch_id)
            if document.fields.get("amended") == mark:
                return [], batch  # by this very call, whose reply was lost
            changed = arrow(batch)
            if changed is batch:
                return [], batch
            fields = {**batch_fields(changed), "amended": mark}
            return [values.change(path, fields, since=document.update_time), *more], changed

        return self._firestore.swap(path, work)

    def append(self, page: Page, before: Checkpoint, after: Checkpoint) -> Batch:
        path = self._layout.batch(page.batch_id)
        fields = {
            "number": page.number,
            "start": page.start,
            "stop": page.stop,
            "packed": page.packed(),
        }

        def work(document: Document | None) -> tuple[list[Any], Batch]:
            document = existing(document, page.batch_id)
            batch = batch_of(document, page.batch_id)
            if batch.checkpoint == after and takes_pages(batch):
                return [], batch  # this very commit, whose reply was lost, or an equal one
            changed = move_checkpoint(batch, before, after)
            place = self._layout.page(page.batch_id, page.number)
            return [
                values.create(place, fields),
                values.change(path, batch_fields(changed), since=document.update_time),
            ], changed

        return self._firestore.swap(path, work)

    def records(self, batch_id: str, start: int, stop: int) -> Iterator[Record]:
        parent = self._layout.batch(batch_id)
        while start < stop:
            pages = self._firestore.query(
                parent,
                "pages",
                [Where("start", "<=", start)],
                order="start",
                descending=True,
                limit=1,
            )
            if not pages or pages[0].fields["stop"] <= start:
                return
            it = pages[0].fields
            for record in unpack_records(it["start"], it["packed"]):
                if start <= record.index < stop:
                    yield record
            start = it["stop"]

    def erase(self, batch_id: str, start: int, stop: int) -> None:
        """By their names, whether they are there or not: that costs no read."""
        layout = self._layout
        pages = self._firestore.query(
            layout.batch(batch_id),
            "pages",
            [Where("start", ">=", start), Where("start", "<", stop)],
            order="start",
        )
        gone = [page.path for page in pages]
        for index in range(start, stop):
            gone += [layout.run(batch_id, index), layout.life(batch_id, index)]
        for first in range(0, len(gone), _DELETES):
            self._firestore.delete(gone[first : first + _DELETES])

    def forget(self, batch_id: str) -> None:
        layout = self._layout
        its = [layout.window(batch_id), layout.rate(batch_id), layout.batch(batch_id)]
        self._firestore.delete(its)

    def close(self, batch_id: str, generation: int, claim: Claim, now: float) -> Batch:
        path = self._layout.batch(batch_id)

        def work(transaction: bytes) -> tuple[list[Any], Batch]:
            batch = batch_of(self._firestore.get_one(path, transaction), batch_id)
            if batch.generation != generation or batch.ended:
                return [], batch
            if batch.state is BatchState.FINALIZING:
                changed = claim_again(batch, claim, now)
                writes = [] if changed is batch else [values.change(path, batch_fields(changed))]
                return writes, changed
            places = [self._layout.slot(batch, slot) for slot in range(batch.slots)]
            slots = self._firestore.get(places, transaction=transaction)
            tally = tally_from(slots.values())
            if batch.ending is None and not batch.is_complete(tally.settled):
                return [], batch
            changed = rules.close(batch, tally, claim, now)
            limited = batch.options.concurrency is not None or batch.chosen is not None
            window = [self._layout.window(batch_id)] if limited else []
            deletes = [values.delete(place) for place in [*slots, *window]]
            return [values.change(path, batch_fields(changed)), *deletes], changed

        return self._firestore.transact(work)
