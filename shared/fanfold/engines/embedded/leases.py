"""Leases of long runs, and runs that wait, in tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence

from fanfold.domain import run as rules
from fanfold.domain.batch import Batch
from fanfold.domain.run import Live, RunState
from fanfold.domain.tally import Tally
from fanfold.engines.embedded.batches import number_of, open_number
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.places import (
    INDEX_BITS,
    chunks,
    index_of,
    place_of,
    places_among,
    places_of,
    select_places,
)
from fanfold.engines.embedded.ranks import LISTED
from fanfold.engines.embedded.rows import LIVE_COLUMNS, live_at, live_from, write_live
from fanfold.engines.embedded.tallies import add_tally
from fanfold.ports import Station

_PAGE = 500
_MANY_DUE = 10_000


class EmbeddedLeases:
    def __init__(self, database: Database) -> None:
        self._database = database

    def running(self, batch_id: str, now: float) -> int:
        """A message in somebody's hand is a run somebody is at. Not where there is a rate: most of
        them wait there for their turn, so those count that have a lease."""
        db = self._database.read()
        rated = db.execute(
            "SELECT n FROM batches JOIN rates ON rates.batch = n WHERE id = ?", (batch_id,)
        ).fetchone()
        if rated is not None:
            (count,) = db.execute(
                "SELECT count(*) FROM lives WHERE place BETWEEN ? AND ? AND state = ? "
                "AND until > ?",
                (*places_of(rated[0]), RunState.RUNNING, now),
            ).fetchone()
            return int(count)
        (count,) = db.execute(
            "SELECT coalesce(sum(bits(rest)), 0) FROM messages "
            "WHERE owner IS NOT NULL AND batch = ? "
            f"AND station = ? AND rank IN ({LISTED[Station.RUNS]}) AND visible_at > ?",
            (batch_id, Station.RUNS, now),
        ).fetchone()
        return int(count)

    def hold(self, batch: Batch, lives: Sequence[Live]) -> None:
        with self._database.write() as db:
            number = open_number(db, batch)
            if number is None:
                return
            for live in _unsettled(db, number, lives):
                known = live_at(db, batch.id, place_of(number, live.index))
                if known is not None and known.state is RunState.WAITING:
                    continue  # put to wait by another delivery of the same message
                write_live(db, number, rules.remembering(live, known))

    def take(self, batch: Batch, live: Live, now: float) -> bool:
        with self._database.write() as db:
            number = open_number(db, batch)
            if number is None or not _unsettled(db, number, [live]):
                return False
            known = live_at(db, batch.id, place_of(number, live.index))
            if not rules.is_free(known, live.owner or "", now):
                return False
            write_live(db, number, rules.remembering(live, known))
            return True

    def wait(self, batch: Batch, lives: Sequence[Live]) -> None:
        with self._database.write() as db:
            number = open_number(db, batch)
            if number is None:
                return
            waits = 0
            for live in _unsettled(db, number, lives):
                known = live_at(db, batch.id, place_of(number, live.index))
                if known is not None and known.state is RunState.WAITING:
                    continue
                write_live(db, number, rules.remembering(live, known))
                waits += 1
            if waits:
                add_tally(db, number, 0, Tally(waits=waits))

    def wake(self, batch: Batch, now: float, until: float, limit: int) -> list[Live]:
        with self._database.write() as db:
            number = open_number(db, batch)
            if number is None:
                return []
            limited = batch.options.concurrency is not None
            woken = [
                live_from(batch.id, row)
                for row in db.execute(
                    f"SELECT {LIVE_COLUMNS} FROM lives WHERE place BETWEEN ? AND ? AND until <= ? "
                    "AND NOT (? AND state = ?) ORDER BY until LIMIT ?",
                    (*places_of(number), now, limited, RunState.WAITING, limit),
                ).fetchall()
            ]
            queued = [rules.wake(live, until) for live in woken]
            for live in queued:
                write_live(db, number, live)
            waited = sum(live.state is RunState.WAITING for live in woken)
            if waited:
                add_tally(db, number, 0, Tally(woken=waited))
        return queued

    def due(self, now: float) -> set[str] | None:
        found = self._database.read().execute(
            "SELECT DISTINCT id FROM batches WHERE n IN "
            f"(SELECT place >> {INDEX_BITS} FROM lives WHERE until <= ? LIMIT ?)",
            (now, _MANY_DUE),
        )
        ids = {str(batch_id) for (batch_id,) in found}
        return ids if len(ids) < _MANY_DUE else None

    def clear(self, batch: Batch) -> None:
        with self._database.write() as db:
            db.execute(
                "DELETE FROM lives WHERE place BETWEEN ? AND ? AND generation < ?",
                (*places_of(number_of(db, batch.id)), batch.generation),
            )

    def waiting(self, batch_id: str) -> Iterator[Live]:
        db = self._database.read()
        first, last = places_of(number_of(db, batch_id))
        while rows := db.execute(
            f"SELECT {LIVE_COLUMNS} FROM lives WHERE place BETWEEN ? AND ? AND state = ? "
            "ORDER BY place LIMIT ?",
            (first, last, RunState.WAITING, _PAGE),
        ).fetchall():
            yield from (live_from(batch_id, row) for row in rows)
            first = rows[-1][0] + 1

    def amend(self, batch_id: str, index: int, arrow: Callable[[Live], Live]) -> Live | None:
        with self._database.write() as db:
            number = number_of(db, batch_id)
            live = live_at(db, batch_id, place_of(number, index))
            if live is None:
                return None
            changed = arrow(live)
            if changed is not live:
                write_live(db, number, changed)
        return changed

    def lives(self, batch_id: str, indexes: Iterable[int]) -> dict[int, Live]:
        db = self._database.read()
        number = number_of(db, batch_id)
        return {
            index_of(row[0]): live_from(batch_id, row)
            for row in select_places(db, "lives", LIVE_COLUMNS, number, indexes)
        }


def end_lives(db: sqlite3.Connection, number: int, indexes: Sequence[int]) -> int:
    """Settled runs have no live document; how many of them were counted as waiting."""
    if not db.execute(
        "SELECT 1 FROM lives WHERE place BETWEEN ? AND ? LIMIT 1", places_of(number)
    ).fetchone():
        return 0
    waiting = 0
    for chunk in chunks([place_of(number, index) for index in indexes]):
        gone = db.execute(
            f"DELETE FROM lives WHERE place IN ({','.join('?' * len(chunk))}) RETURNING state",
            chunk,
        ).fetchall()
        waiting += sum(state == RunState.WAITING for (state,) in gone)
    return waiting


def _unsettled(db: sqlite3.Connection, number: int, lives: Sequence[Live]) -> list[Live]:
    settled = set(places_among(db, "runs", [place_of(number, live.index) for live in lives]))
    return [live for live in lives if place_of(number, live.index) not in settled]
