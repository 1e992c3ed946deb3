"""The bare store: the same records through the same SQLite, with none of our logic.

So many processes, each of which puts its share into a queue's table, and then all of them lease
groups of messages, parse them, write results and count them in one commit, and delete the messages
in another, until none is left; at last one reads all results. Rows, groups and commits are those of
the most obvious program; processes take turns by the same file lock as ours. There are no retries,
no leases that end, no attempts, no errors, no limits, no order, and nothing survives a crash.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path

_GROUP = 500
_TABLES = """
CREATE TABLE messages (id INTEGER PRIMARY KEY, owner INTEGER, body BLOB NOT NULL);
CREATE INDEX ready ON messages (id) WHERE owner IS NULL;
CREATE TABLE results (id INTEGER PRIMARY KEY, output TEXT, at REAL);
CREATE TABLE counter (n INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
"""


def bare_seconds(records: int, workers: int) -> float:
    """From the first message to the last result read."""
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="fanfold-bare-") as folder:
        with _opened(Path(folder)) as (db, _):
            db.executescript(_TABLES)
        start = processes.Barrier(workers + 1)
        children = [
            processes.Process(target=_work, args=(folder, number, workers, records, start))
            for number in range(workers)
        ]
        for child in children:
            child.start()
        start.wait()
        begun = time.perf_counter()
        for child in children:
            child.join()
        with _opened(Path(folder)) as (db, _):
            read = sum(1 for (text,) in db.execute("SELECT output FROM results ORDER BY id")
                       if json.loads(text) is None)  # fmt: skip
            (counted,) = db.execute("SELECT n FROM counter").fetchone()
        seconds = time.perf_counter() - begun
    if (read, counted) != (records, records):
        raise RuntimeError(f"the bare store lost records: {read} and {counted} of {records}")
    return seconds


def _work(folder: str, number: int, workers: int, records: int, start: Barrier) -> None:
    with _opened(Path(folder)) as (db, lock):
        start.wait()
        for first in range(number * _GROUP, records, workers * _GROUP):
            group = range(first, min(first + _GROUP, records))
            bodies = [(n, json.dumps({"v": 1, "index": n, "record": {"n": n}}).encode())
                      for n in group]  # fmt: skip
            with _turn(db, lock):
                db.executemany("INSERT INTO messages VALUES (?, NULL, ?)", bodies)
        start_over = 0
        while start_over < 2:  # once more, for what the others put there meanwhile
            with _turn(db, lock):
                rows = db.execute(
                    "UPDATE messages SET owner = ? WHERE id IN "
                    "(SELECT id FROM messages WHERE owner IS NULL LIMIT ?) RETURNING id, body",
                    (number, _GROUP),
                ).fetchall()
            if not rows:
                start_over += 1
                time.sleep(0.001)
                continue
            done = []
            for key, body in rows:
                json.loads(body)["record"]
                done.append((key, json.dumps(None), time.time()))
            with _turn(db, lock):
                db.executemany("INSERT INTO results VALUES (?, ?, ?)", done)
                db.execute("UPDATE counter SET n = n + ?", (len(done),))
            with _turn(db, lock):
                db.executemany("DELETE FROM messages WHERE id = ?", [(it[0],) for it in done])


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[sqlite3.Connection, int]]:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        yield db, lock
    finally:
        db.close()
        os.close(lock)


@contextmanager
def _turn(db: sqlite3.Connection, lock: int) -> Iterator[None]:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    finally:
        fcntl.lockf(lock, fcntl.LOCK_UN)
