"""Counters, split over slots that only ever grow, and added to without being read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from threading import Lock
from typing import Any
from zlib import crc32

from fanfold.domain.batch import OPEN, Batch
from fanfold.domain.outcome import printable
from fanfold.domain.tally import MAX_ERROR_GROUPS, OTHER, ErrorGroup, Tally
from fanfold.engines.google import values
from fanfold.engines.google.documents import Layout, batch_of
from fanfold.engines.google.firestore import Document

#: a slot's examples must fit in one document, whatever the flows raise
_MAX_EXAMPLE = 500
_EMPTY: dict[str, Any] = {
    "settled": 0,
    "succeeded": 0,
    "failed": 0,
    "canceled": 0,
    "skipped": 0,
    "waits": 0,
    "woken": 0,
    "attempts": 0,
    "seconds": 0.0,
    "digest": 0,
    "errors": {},
    "durations": {},
}


class Slots:
    """One process' slot of each batch."""

    def __init__(self, layout: Layout, owner: str) -> None:
        self._layout = layout
        self._hash = crc32(owner.encode())
        self._groups: dict[str, set[str]] = {}
        self._lock = Lock()
        self._opening = Lock()

    def path(self, batch: Batch) -> str:
        return self._layout.slot(batch, self._hash % batch.slots)

    def add(self, batch: Batch, more: Tally) -> Any:
        """The write that adds; the slot must exist."""
        increments: dict[str, int | float] = {
            name: amount
            for name, amount in {
                "settled": more.settled,
                "succeeded": more.succeeded,
                "failed": more.failed,
                "canceled": more.canceled,
                "skipped": more.skipped,
                "waits": more.waits,
                "woken": more.woken,
                "attempts": more.attempts,
                "seconds": more.seconds,
                "digest": more.digest,
            }.items()
            if amount
        }
        nested: list[tuple[tuple[str, ...], Any]] = []
        for name, group in self._named(batch.id, more.errors.values()):
            about = json.dumps([group.type, group.pattern, group.example, group.example_index])
            nested.append((("errors", name, "about"), about))
            place = f"errors.{values.quoted(name)}.count"
            increments[place] = increments.get(place, 0) + group.count
        for bucket, count in more.durations.items():
            increments[f"durations.{values.quoted(str(bucket))}"] = count
        return values.change(self.path(batch), {}, increments=increments, nested=nested)

    def open(self, batch: Batch) -> bool:
        """Make the slot, if the batch is open at this generation; whether it is."""
        path = self.path(batch)

        def work(transaction: bytes) -> tuple[list[Any], bool]:
            firestore = self._layout.firestore
            place = self._layout.batch(batch.id)
            known = firestore.get([place, path], transaction=transaction)
            now = batch_of(known.get(place), batch.id)
            if now.state not in OPEN or now.generation != batch.generation:
                return [], False
            return ([] if path in known else [values.create(path, _EMPTY)]), True

        # two threads that both read what is not there would each wait for the other's lock
        with self._opening:
            return self._layout.firestore.transact(work)

    def _named(self, batch_id: str, groups: Iterable[ErrorGroup]) -> list[tuple[str, ErrorGroup]]:
        """Each with the name it is counted under; this process names so many, no more."""
        named: dict[str, ErrorGroup] = {}
        with self._lock:
            known = self._groups.setdefault(batch_id, set())
            for group in groups:
                name = group.fingerprint
                if name not in known and name != OTHER:
                    if len(known) >= MAX_ERROR_GROUPS:
                        name = OTHER
                    else:
                        known.add(name)
                group = ErrorGroup(  # noqa: PLW2901
                    name,
                    group.count,
                    OTHER if name == OTHER else printable(group.type),
                    "" if name == OTHER else printable(group.pattern),
                    printable(group.example[:_MAX_EXAMPLE]),
                    group.example_index,
                )
                named[name] = named[name] + group if name in named else group
        return list(named.items())


def tally_from(documents: Iterable[Document]) -> Tally:
    total = Tally()
    for document in documents:
        total = total + _tally_of(document.fields)
    return total


def _tally_of(it: dict[str, Any]) -> Tally:
    groups = {
        name: ErrorGroup(name, group["count"], *json.loads(group["about"]))
        for name, group in it["errors"].items()
    }
    return Tally(
        it["succeeded"],
        it["failed"],
        it["canceled"],
        it["skipped"],
        it["waits"],
        it["woken"],
        it["attempts"],
        it["seconds"],
        it["digest"],
        groups,
        {int(bucket): count for bucket, count in it["durations"].items()},
    )
