"""The concurrency limit's window and the rate's turns, in tables. One exclusive transaction reads
and releases, so that nobody has to compare and set."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from dataclasses import asdict

from fanfold.domain import frontier, rate
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.frontier import Release, Window
from fanfold.domain.rate import Turns
from fanfold.domain.run import RunState
from fanfold.domain.tally import Tally
from fanfold.engines.embedded.batches import number_of
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.places import index_of, place_of, places_of
from fanfold.engines.embedded.tallies import add_tally, sum_slots

#: how long a woken run's message may take before it is published once more
_WAKE_SECONDS = 60.0


class EmbeddedFrontier:
    def __init__(self, database: Database) -> None:
        self._database = database

    def advance(
        self, batch: Batch, token: str, record: int | None, done: Collection[str], now: float
    ) -> Release | None:
        with self._database.write() as db:
            row = db.execute(
                "SELECT n, state, generation, paged, concurrency FROM batches WHERE id = ?",
                (batch.id,),
            ).fetchone()
            if row is None or row[2] != batch.generation or row[1] != BatchState.RUNNING:
                return None
            number, _, _, paged, concurrency = row
            if concurrency is None:
                return None
            window = frontier.settle_up(window_at(db, number), done)
            tally = sum_slots(db, number)
            room = max(0, frontier.free(window, tally, concurrency))
            due = [
                index_of(place)
                for (place,) in db.execute(
                    "SELECT place FROM lives WHERE place BETWEEN ? AND ? AND state = ? "
                    "AND until <= ? ORDER BY until LIMIT ?",
                    (*places_of(number), RunState.WAITING, now, room),
                )
            ]
            window, release = frontier.grant(
                window,
                tally,
                concurrency=concurrency,
                paged=paged,
                due=due,
                token=token,
                record=record,
                now=now,
            )
            if release is not None and release.woken:
                db.executemany(
                    "UPDATE lives SET state = ?, until = ?, owner = NULL WHERE place = ?",
                    [
                        (RunState.QUEUED, now + _WAKE_SECONDS, place_of(number, index))
                        for index in release.woken
                    ],
                )
                add_tally(db, number, 0, Tally(woken=len(release.woken)))
            if release is not None or done:
                write_window(db, number, window)
        return release

    def window(self, batch_id: str) -> Window:
        db = self._database.read()
        return window_at(db, number_of(db, batch_id))

    def reserve(self, batch_id: str, turns: int, step: float, ahead: float, now: float) -> Turns:
        with self._database.write() as db:
            number = number_of(db, batch_id)
            row = db.execute("SELECT last FROM rates WHERE batch = ?", (number,)).fetchone()
            reserved = rate.reserve(row[0] if row else None, turns, step, ahead, now)
            if reserved.count:
                db.execute("INSERT OR REPLACE INTO rates VALUES (?, ?)", (number, reserved.last))
        return reserved


def window_at(db: sqlite3.Connection, number: int) -> Window:
    row = db.execute("SELECT released, pending FROM windows WHERE batch = ?", (number,)).fetchone()
    if row is None:
        return Window()
    pending = {
        token: Release(**{**release, "woken": tuple(release["woken"])})
        for token, release in json.loads(row[1]).items()
    }
    return Window(row[0], pending)


def write_window(db: sqlite3.Connection, number: int, window: Window) -> None:
    pending = json.dumps({token: asdict(release) for token, release in window.pending.items()})
    db.execute(
        "UPDATE windows SET released = ?, pending = ? WHERE batch = ?",
        (window.released, pending, number),
    )
