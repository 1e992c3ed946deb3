"""Settling and counting, in tables.

Everything the google engine does with blind commits and their answers is one exclusive transaction
here: look, create, count. What the steps see is the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from fanfold.domain.batch import Batch
from fanfold.domain.run import Run, RunState
from fanfold.domain.settling import Effort, Recount, Settled, Verdict
from fanfold.domain.tally import Tally, tally_of
from fanfold.engines.embedded.batches import number_of, open_number, read_batch
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.leases import end_lives
from fanfold.engines.embedded.places import (
    INDEX_BITS,
    INDEX_MASK,
    index_of,
    place_of,
    places_among,
    places_of,
    select_places,
)
from fanfold.engines.embedded.rows import (
    RUN_COLUMNS,
    SETTLED_COLUMNS,
    row_of,
    run_from,
    settled_from,
)
from fanfold.engines.embedded.tallies import add_tally, read_tally, sum_slots

_CHUNK = 500
#: in the order of a recount
_TERMINAL = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED, RunState.SKIPPED)


class EmbeddedRuns:
    #: the file is here, and readers would take turns
    reads_ahead = 0

    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(
        self,
        batch: Batch,
        runs: Sequence[Run],
        leased: Collection[int] = (),  # noqa: ARG002  here all are looked up, it costs nothing
        effort: Effort | None = None,
    ) -> list[Verdict]:
        spent = (effort or Effort()).spend()
        rows = {run.index: row_of(run) for run in runs}
        tally = tally_of(runs)
        with self._database.write() as db:
            number = open_number(db, batch)
            if number is None:
                return [Verdict.LATE] * len(runs)
            if len(rows) == len(runs) and _create(db, number, rows):
                verdicts = [Verdict.COUNTED] * len(runs)
            else:
                verdicts = _told_apart(db, number, runs)
                fresh = [run for run, it in zip(runs, verdicts, strict=True)
                         if it is Verdict.COUNTED]  # fmt: skip
                _create(db, number, {run.index: rows[run.index] for run in fresh})
                tally = tally_of(fresh)
            if Verdict.COUNTED in verdicts:
                woken = end_lives(db, number, list(rows))
                tally = replace(
                    tally, woken=woken, commits=1, halvings=spent.halvings, gathered=spent.gathered
                )
                add_tally(db, number, 0, tally)
        return verdicts

    def read(self, batch_id: str, indexes: Iterable[int]) -> dict[int, Run]:
        db = self._database.read()
        number = number_of(db, batch_id)
        return {
            row[0] & INDEX_MASK: run_from(batch_id, row)
            for row in select_places(db, "runs", RUN_COLUMNS, number, indexes)
        }

    def outcomes(self, batch_id: str, start: int, stop: int) -> Iterable[Settled]:
        db = self._database.read()
        first = place_of(number_of(db, batch_id), 0)
        return map(
            settled_from,
            db.execute(
                f"SELECT {SETTLED_COLUMNS} FROM runs WHERE place >= ? AND place < ?",
                (first | start, first + stop),
            ).fetchall(),
        )

    def in_state(self, batch_id: str, state: RunState) -> Iterator[Run]:
        db = self._database.read()
        place, last = places_of(number_of(db, batch_id))
        while True:
            rows = db.execute(
                f"SELECT {RUN_COLUMNS} FROM runs WHERE place BETWEEN ? AND ? AND status = ? "
                "ORDER BY place LIMIT ?",
                (place, last, state, _CHUNK),
            ).fetchall()
            yield from (run_from(batch_id, row) for row in rows)
            if len(rows) < _CHUNK:
                return
            place = rows[-1][0] + 1

    def clear(self, batch: Batch, indexes: Sequence[int]) -> None:
        with self._database.write() as db:
            number = number_of(db, batch.id)
            db.executemany(
                "DELETE FROM runs WHERE place = ? AND generation < ?",
                [(place_of(number, index), batch.generation) for index in indexes],
            )

    def settled(self, batch_id: str) -> int:
        db = self._database.read()
        return sum_slots(db, number_of(db, batch_id)).settled

    def spent(self, batch_id: str) -> int:
        db = self._database.read()
        return sum_slots(db, number_of(db, batch_id)).spent

    def tally(self, batch_id: str) -> Tally:
        with self._database.snapshot() as db:
            number, batch = read_batch(db, batch_id)
            return batch.closed or batch.kept + read_tally(db, number)

    def recount(self, batch_id: str) -> Recount:
        db = self._database.read()
        first, last = places_of(number_of(db, batch_id))
        # in one pass over the rows as they lie: grouping them would sort them first, in memory
        each = ", ".join(f"coalesce(sum(status = '{state}'), 0)" for state in _TERMINAL)
        row = db.execute(
            f"SELECT {each}, coalesce(sum(mix(place & ?)), 0) FROM runs "
            "WHERE place BETWEEN ? AND ?",
            (INDEX_MASK, first, last),
        ).fetchone()
        return Recount(*row)

    def slowest(self, batch_id: str, limit: int) -> list[Run]:
        db = self._database.read()
        rows = db.execute(
            f"SELECT {RUN_COLUMNS} FROM runs WHERE place BETWEEN ? AND ? "
            "ORDER BY seconds DESC, place LIMIT ?",
            (*places_of(number_of(db, batch_id)), limit),
        )
        return [run_from(batch_id, row) for row in rows.fetchall()]


def _create(db: sqlite3.Connection, number: int, rows: dict[int, tuple[object, ...]]) -> bool:
    """All of them, or none: nearly always none is settled, and it costs no read to find out."""
    first = number << INDEX_BITS
    db.execute("SAVEPOINT creating")
    created = db.executemany(
        f"INSERT INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (place) DO NOTHING",
        [(first | index, *row) for index, row in rows.items()],
    ).rowcount
    whole = not rows or created == len(rows)
    db.execute("RELEASE creating" if whole else "ROLLBACK TO creating")
    return whole


def _told_apart(db: sqlite3.Connection, number: int, runs: Sequence[Run]) -> list[Verdict]:
    places = [place_of(number, run.index) for run in runs]
    settled = {index_of(place) for place in places_among(db, "runs", places)}
    verdicts: list[Verdict] = []
    for run in runs:
        verdicts.append(Verdict.ALREADY if run.index in settled else Verdict.COUNTED)
        settled.add(run.index)
    return verdicts
