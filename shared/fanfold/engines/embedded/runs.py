"""Settling and counting, in tables.

Everything the google engine does with blind commits and their answers is one exclusive transaction
here: look, create, count. What the steps see is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from fanfold.domain.batch import Batch
from fanfold.domain.run import Run, RunState
from fanfold.domain.tally import Tally, tally_of
from fanfold.engines.embedded.batches import number_of, open_number, read_batch
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.leases import end_lives
from fanfold.engines.embedded.places import (
    INDEX_BITS,
    index_of,
    place_of,
    places_among,
    places_of,
    select_places,
)
from fanfold.engines.embedded.rows import RUN_COLUMNS, row_of, run_from
from fanfold.engines.embedded.tallies import add_tally, read_tally, sum_slots
from fanfold.ports import Recount, Verdict


class EmbeddedRuns:
    def __init__(self, database: Database) -> None:
        self._database = database

    def settle(
        self,
        batch: Batch,
        runs: Sequence[Run],
        leased: Collection[int] = (),  # noqa: ARG002  here all are looked up, it costs nothing
    ) -> list[Verdict]:
        rows = {run.index: row_of(run) for run in runs}
        with self._database.write() as db:
            number = open_number(db, batch)
            if number is None:
                return [Verdict.LATE] * len(runs)
            places = [place_of(number, index) for index in rows]
            settled = {index_of(place) for place in places_among(db, "runs", places)}
            fresh: list[Run] = []
            verdicts: list[Verdict] = []
            for run in runs:
                verdicts.append(Verdict.ALREADY if run.index in settled else Verdict.COUNTED)
                if run.index not in settled:
                    settled.add(run.index)
                    fresh.append(run)
            if fresh:
                db.executemany(
                    f"INSERT INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [(place_of(number, run.index), *rows[run.index]) for run in fresh],
                )
                woken = end_lives(db, places)
                add_tally(db, number, 0, replace(tally_of(fresh), woken=woken))
        return verdicts

    def read(self, batch_id: str, indexes: Iterable[int]) -> dict[int, Run]:
        db = self._database.read()
        number = number_of(db, batch_id)
        return {
            index_of(row[0]): run_from(batch_id, row)
            for row in select_places(db, "runs", RUN_COLUMNS, number, indexes)
        }

    def settled(self, batch_id: str) -> int:
        db = self._database.read()
        return sum_slots(db, number_of(db, batch_id)).settled

    def tally(self, batch_id: str) -> Tally:
        with self._database.snapshot() as db:
            number, batch = read_batch(db, batch_id)
            return batch.closed or read_tally(db, number)

    def recount(self, batch_id: str) -> Recount:
        db = self._database.read()
        first, last = places_of(number_of(db, batch_id))
        counts = dict.fromkeys(RunState, 0)
        digest = 0
        for status, count, mixed in db.execute(
            "SELECT status, count(*), sum(mix(place & ?)) FROM runs "
            "WHERE place BETWEEN ? AND ? GROUP BY status",
            ((1 << INDEX_BITS) - 1, first, last),
        ):
            counts[RunState(status)] = count
            digest += mixed
        return Recount(
            counts[RunState.SUCCEEDED],
            counts[RunState.FAILED],
            counts[RunState.CANCELED],
            counts[RunState.SKIPPED],
            digest,
        )

    def slowest(self, batch_id: str, limit: int) -> list[Run]:
        db = self._database.read()
        rows = db.execute(
            f"SELECT {RUN_COLUMNS} FROM runs WHERE place BETWEEN ? AND ? "
            "ORDER BY seconds DESC, place LIMIT ?",
            (*places_of(number_of(db, batch_id)), limit),
        )
        return [run_from(batch_id, row) for row in rows.fetchall()]
