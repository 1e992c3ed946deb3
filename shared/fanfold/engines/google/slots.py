"""Counters, split over slots that only ever grow, and added to without being read.

A document bears about one write a second for long. A process begins with one slot of its own, as
its name has it; where that is fought over, by others or by its own haste, it takes the next ones as
well, each in turn, until there is peace or it uses them all. The sum does not mind who added where.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import count
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


class Opened(Enum):
    #: the batch is closed, stopped, or of another generation
    CLOSED = "closed"
    #: somebody else had made it
    THERE = "there"
    #: made, and the first writes with it
    MADE = "made"


class Slots:
    """One process' slots of each batch."""

    def __init__(self, layout: Layout, owner: str) -> None:
        self._layout = layout
        self._hash = crc32(owner.encode())
        self._groups: dict[str, set[str]] = {}
        self._lock = Lock()
        self._opening = Lock()
        self._width = 1
        self._turns = count()

    def next(self, batch: Batch) -> str:
        """Where to add to now."""
        return self._layout.slot(
            batch, (self._hash + next(self._turns) % self._width) % batch.slots
        )

    def spread(self, batch: Batch) -> bool:
        """One was fought over: take as many again. Whether there were more to take."""
        with self._lock:
            before, self._width = self._width, min(2 * self._width, batch.slots)
            return self._width > before

    def add(self, path: str, batch: Batch, more: Tally) -> Any:
        """The write that adds; the slot must exist."""
        increments: dict[str, int | float] = {
            name: amount for name, amount in _counters(more).items() if amount
        }
        nested: list[tuple[tuple[str, ...], Any]] = []
        for name, group in self._named(batch.id, more.errors.values()):
            nested.append((("errors", name, "about"), _about(group)))
            place = f"errors.{values.quoted(name)}.count"
            increments[place] = increments.get(place, 0) + group.count
        for bucket, number in more.durations.items():
            increments[f"durations.{values.quoted(str(bucket))}"] = number
        return values.change(path, {}, increments=increments, nested=nested)

    def create(self, path: str, batch: Batch, first: Tally) -> Any:
        """The write that makes the slot, with what is added to it first."""
        errors = {
            name: {"about": _about(group), "count": group.count}
            for name, group in self._named(batch.id, first.errors.values())
        }
        durations = {str(bucket): number for bucket, number in first.durations.items()}
        more = {"slots": 1, "errors": errors, "durations": durations}
        return values.create(path, _counters(first) | more)

    def open(
        self, path: str, batch: Batch, first: Tally | None = None, more: Sequence[Any] = ()
    ) -> Opened:
        """Make the slot, if the batch is open at this generation. With `first` it is made with
        that, and with the writes that belong to it: a new slot is not written to twice within a
        moment."""

        def work(transaction: bytes) -> tuple[list[Any], Opened]:
            firestore = self._layout.firestore
            place = self._layout.batch(batch.id)
            known = firestore.get([place, path], transaction=transaction)
            now = batch_of(known.get(place), batch.id)
            if now.state not in OPEN or now.generation != batch.generation:
                return [], Opened.CLOSED
            if path in known:
                return [], Opened.THERE
            return [*more, self.create(path, batch, first or Tally())], Opened.MADE

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


def _counters(of: Tally) -> dict[str, Any]:
    return {
        "settled": of.settled,
        "succeeded": of.succeeded,
        "failed": of.failed,
        "canceled": of.canceled,
        "skipped": of.skipped,
        "waits": of.waits,
        "woken": of.woken,
        "attempts": of.attempts,
        "seconds": of.seconds,
        "digest": of.digest,
        "commits": of.commits,
        "repeats": of.repeats,
        "halvings": of.halvings,
        "gathered": of.gathered,
        "spent": of.spent,
    }


def _about(group: ErrorGroup) -> str:
    return json.dumps([group.type, group.pattern, group.example, group.example_index])


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
        {int(bucket): number for bucket, number in it["durations"].items()},
        it["commits"],
        it["repeats"],
        it["halvings"],
        it["gathered"],
        it["slots"],
        it["spent"],
    )
