"""Batches, their pages, and closing, in tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from typing import Any

from fanfold.domain import batch as rules
from fanfold.domain.batch import OPEN, Batch, BatchState, Claim
from fanfold.domain.codec import batch_from_json, batch_to_json
from fanfold.domain.finalizing import claim_again
from fanfold.domain.following import awaited
from fanfold.domain.lineage import Kind, root_of
from fanfold.domain.paging import move_checkpoint
from fanfold.domain.records import Page, Record, unpack_records
from fanfold.domain.source import Checkpoint
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.places import place_of, places_of
from fanfold.engines.embedded.tallies import read_tally
from fanfold.errors import BatchNotFound
from fanfold.ports import Station

_PURGE = 10_000


class EmbeddedBatches:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, batch: Batch) -> Batch:
        with self._database.write() as db:
            row = db.execute("SELECT doc FROM batches WHERE id = ?", (batch.id,)).fetchone()
            if row is not None:
                return batch_from_json(row[0])
            parent = batch.parent
            cursor = db.execute(
                "INSERT INTO batches "
                "(id, kind, parent, root, state, generation, paged, concurrency, doc) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(batch.id, batch.kind, parent and parent.batch_id),
                    *(root_of(batch.id, parent), *_columns(batch)),
                ),
            )
            db.execute("INSERT INTO windows VALUES (?, 0, '{}')", (cursor.lastrowid,))
            _await(db, int(cursor.lastrowid or 0), awaited(batch))
        return batch

    def get(self, batch_id: str) -> Batch:
        return read_batch(self._database.read(), batch_id)[1]

    def find(
        self,
        states: Collection[BatchState] | None = None,
        limit: int = 100,
        before: str = "",
        kinds: Collection[Kind] | None = None,
        parent: str | None = None,
    ) -> list[Batch]:
        conditions, values = _conditions(states, kinds, parent)
        db = self._database.read()
        newest = 1 << 62
        if before:
            row = db.execute("SELECT n FROM batches WHERE id = ?", (before,)).fetchone()
            newest = row[0] if row else newest
        rows = db.execute(
            f"SELECT doc FROM batches WHERE {conditions} AND n < ? ORDER BY n DESC LIMIT ?",
            (*values, newest, limit),
        )
        return [batch_from_json(doc) for (doc,) in rows]

    def followers(self, batch_id: str) -> list[Batch]:
        rows = self._database.read().execute(
            "SELECT doc FROM batches WHERE n IN (SELECT batch FROM awaited WHERE id = ?)",
            (batch_id,),
        )
        return [batch_from_json(doc) for (doc,) in rows]

    def amend(self, batch_id: str, arrow: Callable[[Batch], Batch]) -> Batch:
        with self._database.write() as db:
            number, batch = read_batch(db, batch_id)
            changed = arrow(batch)
            if changed is not batch:
                _update(db, number, changed, batch)
        return changed

    def reopen(self, batch_id: str, arrow: Callable[[Batch], Batch]) -> Batch:
        with self._database.write() as db:
            number, batch = read_batch(db, batch_id)
            changed = arrow(batch)
            _update(db, number, changed, batch)
            db.execute("INSERT OR REPLACE INTO windows VALUES (?, 0, '{}')", (number,))
        return changed

    def append(self, page: Page, before: Checkpoint, after: Checkpoint) -> Batch:
        with self._database.write() as db:
            number, batch = read_batch(db, page.batch_id)
            changed = move_checkpoint(batch, before, after)
            db.execute(
                "INSERT INTO pages VALUES (?, ?, ?, ?, ?)",
                (number, page.number, page.start, page.stop, page.packed()),
            )
            _update(db, number, changed, batch)
        return changed

    def records(self, batch_id: str, start: int, stop: int) -> Iterator[Record]:
        db = self._database.read()
        number = number_of(db, batch_id)
        while start < stop:
            row = db.execute(
                "SELECT start, stop, packed FROM pages WHERE batch = ? AND start <= ? "
                "ORDER BY start DESC LIMIT 1",
                (number, start),
            ).fetchone()
            if row is None or row[1] <= start:
                return
            first, last, packed = row
            for record in unpack_records(first, packed):
                if start <= record.index < stop:
                    yield record
            start = last

    def erase(self, batch_id: str, start: int, stop: int) -> None:
        with self._database.write() as db:
            number = number_of(db, batch_id)
            first = place_of(number, 0)
            for table in ("runs", "lives"):
                db.execute(
                    f"DELETE FROM {table} WHERE place >= ? AND place < ?",
                    (first | start, first + stop),
                )
            db.execute(
                "DELETE FROM pages WHERE batch = ? AND start >= ? AND start < ?",
                (number, start, stop),
            )

    def forget(self, batch_id: str) -> None:
        with self._database.write() as db:
            row = db.execute("SELECT n FROM batches WHERE id = ?", (batch_id,)).fetchone()
            if row is not None:
                for table in ("windows", "rates"):
                    db.execute(f"DELETE FROM {table} WHERE batch = ?", row)
                db.execute("DELETE FROM batches WHERE n = ?", row)

    def close(self, batch_id: str, generation: int, claim: Claim, now: float) -> Batch:
        with self._database.write() as db:
            number, batch = read_batch(db, batch_id)
            if batch.generation != generation or batch.ended:
                return batch
            if batch.state is BatchState.FINALIZING:
                changed = claim_again(batch, claim, now)
            else:
                tally = read_tally(db, number)
                if batch.ending is None and not batch.is_complete(tally.settled):
                    return batch
                changed = rules.close(batch, tally, claim, now)
                for table in ("slots", "errors", "durations", "windows"):
                    db.execute(f"DELETE FROM {table} WHERE batch = ?", (number,))
            if changed is not batch:
                _update(db, number, changed, batch)
        if changed.ending is not None:
            self._drop_queued(batch_id, number)
        return changed

    def _drop_queued(self, batch_id: str, number: int) -> None:
        """A stopped batch's queued runs are dropped at once; nobody need pull them to find out."""
        with self._database.write() as db:
            db.execute("DELETE FROM lives WHERE place BETWEEN ? AND ?", places_of(number))
        while True:
            with self._database.write() as db:
                gone = db.execute(
                    "DELETE FROM messages WHERE id IN (SELECT id FROM messages "
                    "WHERE batch = ? AND station = ? AND owner IS NULL LIMIT ?)",
                    (batch_id, Station.RUNS, _PURGE),
                ).rowcount
            if gone < _PURGE:
                return


def _conditions(
    states: Collection[BatchState] | None, kinds: Collection[Kind] | None, parent: str | None
) -> tuple[str, list[str]]:
    if parent is not None:
        return "parent = ?", [parent]
    wanted = sorted(BatchState if states is None else states)
    conditions, values = f"state IN ({_marks(wanted)})", [str(it) for it in wanted]
    if kinds is not None:
        conditions += f" AND kind IN ({_marks(kinds)})"
        values += sorted(kinds)
    return conditions, values


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))


def number_of(db: sqlite3.Connection, batch_id: str) -> int:
    return int(_row_of(db, batch_id, "n")[0])


def read_batch(db: sqlite3.Connection, batch_id: str) -> tuple[int, Batch]:
    number, doc = _row_of(db, batch_id, "n, doc")
    return number, batch_from_json(doc)


def _row_of(db: sqlite3.Connection, batch_id: str, columns: str) -> tuple[Any, ...]:
    row = db.execute(f"SELECT {columns} FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if row is None:
        raise BatchNotFound(
            f"there is no batch {batch_id} here. `fanfold list` lists the batches in this home."
        )
    found: tuple[Any, ...] = row
    return found


def open_number(db: sqlite3.Connection, batch: Batch) -> int | None:
    """The batch's number, if results of this generation may still land."""
    row = db.execute(
        "SELECT n, state, generation FROM batches WHERE id = ?", (batch.id,)
    ).fetchone()
    if row is None or row[1] not in OPEN or row[2] != batch.generation:
        return None
    return int(row[0])


def _columns(batch: Batch) -> tuple[object, ...]:
    return (
        batch.state,
        batch.generation,
        batch.releasable,
        batch.options.concurrency,
        batch_to_json(batch),
    )


def _update(db: sqlite3.Connection, number: int, batch: Batch, before: Batch) -> None:
    db.execute(
        "UPDATE batches SET state = ?, generation = ?, paged = ?, concurrency = ?, doc = ? "
        "WHERE n = ?",
        (*_columns(batch), number),
    )
    if awaited(batch) != awaited(before):
        db.execute("DELETE FROM awaited WHERE batch = ?", (number,))
        _await(db, number, awaited(batch))


def _await(db: sqlite3.Connection, number: int, others: list[str]) -> None:
    db.executemany("INSERT INTO awaited VALUES (?, ?)", [(it, number) for it in others])
