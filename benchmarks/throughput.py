"""How many records a second pass through fan-out, run, settle, completion and fold.

A flow that does nothing, worker processes as `fanfold run` starts them, one machine. Beside it the
*bare* store: the same rows in and out of SQLite with none of our logic. Ratios travel between
machines; seconds do not.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from pathlib import Path

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.testing.home import Home


def ours(records: int, workers: int) -> float:
    with tempfile.TemporaryDirectory() as folder, embedded_engine(Path(folder)) as ports:
        home = Home(Path(folder), ports)
        batch = home.create([{"n": n} for n in range(records)], "fanfold.flows.echo:echo")
        started = time.perf_counter()
        children = [home.start_worker(threads=8) for _ in range(workers)]
        for child in children:
            child.wait()
        seconds = time.perf_counter() - started
        home.assert_whole(batch, records)
        ended = home.status(batch).batch
        begun = ended.started_at or ended.created_at
        return min(seconds, (ended.ended_at or 0.0) - begun)


def bare(records: int) -> float:
    """The least this work can cost on one connection: enqueue, lease, result and count, delete."""
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE q (id INTEGER PRIMARY KEY, owner TEXT, body BLOB)")
        db.execute("CREATE TABLE r (id INTEGER PRIMARY KEY, output TEXT)")
        db.execute("CREATE TABLE c (n INTEGER)")
        db.execute("INSERT INTO c VALUES (0)")
        body = b'{"v":1,"batch_id":"batch-aaaaaaaaaaaaaaaa","index":1,"record":{"data":{"n":1}}}'
        started = time.perf_counter()
        for first in range(0, records, 100):
            group = range(first, min(first + 100, records))
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO q VALUES (?, NULL, ?)", [(n, body) for n in group])
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")
            rows = db.execute(
                "UPDATE q SET owner = 'me' WHERE id >= ? AND id < ? RETURNING id, body",
                (group.start, group.stop),
            ).fetchall()
            db.execute("COMMIT")
            done = [(number, json.dumps(json.loads(data)["record"])) for number, data in rows]
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO r VALUES (?, ?)", done)
            db.execute("UPDATE c SET n = n + ?", (len(done),))
            db.execute("COMMIT")
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM q WHERE id = ?", [(number,) for number, _ in done])
            db.execute("COMMIT")
        seconds = time.perf_counter() - started
        db.close()
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    seconds = ours(given.records, given.workers)
    floor = bare(given.records)
    print(
        json.dumps(
            {
                "engine": "embedded",
                "records": given.records,
                "workers": given.workers,
                "seconds": round(seconds, 2),
                "records_per_second": round(given.records / seconds),
                "bare_records_per_second": round(given.records / floor),
                "share_of_bare": round(floor / seconds, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
