"""Slots and error groups as rows. What is read and written here belongs to the caller's
transaction."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

from fanfold.domain.outcome import printable
from fanfold.domain.tally import MAX_ERROR_GROUPS, OTHER, ErrorGroup, Tally

_ADD = """
INSERT INTO slots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    succeeded = succeeded + excluded.succeeded,
    failed = failed + excluded.failed,
    canceled = canceled + excluded.canceled,
    skipped = skipped + excluded.skipped,
    waits = waits + excluded.waits,
    woken = woken + excluded.woken,
    attempts = attempts + excluded.attempts,
    seconds = seconds + excluded.seconds,
    digest = digest + excluded.digest,
    commits = commits + excluded.commits,
    halvings = halvings + excluded.halvings,
    gathered = gathered + excluded.gathered,
    spent = spent + excluded.spent
"""
_SUM = """
SELECT sum(succeeded), sum(failed), sum(canceled), sum(skipped), sum(waits), sum(woken),
       sum(attempts), sum(seconds), sum(digest),
       sum(commits), sum(halvings), sum(gathered), sum(spent), count(*)
FROM slots WHERE batch = ?
"""


def add_tally(db: sqlite3.Connection, batch: int, slot: int, more: Tally) -> None:
    db.execute(
        _ADD,
        (
            batch,
            slot,
            more.succeeded,
            more.failed,
            more.canceled,
            more.skipped,
            more.waits,
            more.woken,
            more.attempts,
            more.seconds,
            more.digest,
            more.commits,
            more.halvings,
            more.gathered,
            more.spent,
        ),
    )
    if more.durations:
        db.executemany(
            "INSERT INTO durations VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(batch, bucket, count) for bucket, count in more.durations.items()],
        )
    if more.errors:
        _add_errors(db, batch, more)


def sum_slots(db: sqlite3.Connection, batch: int) -> Tally:
    """The counters alone, which is all that completion and the frontier need."""
    row = db.execute(_SUM, (batch,)).fetchone()
    if row[0] is None:
        return Tally()
    counters: list[Any] = list(row[:9])
    commits, halvings, gathered, spent, slots = row[9:]
    return replace(
        Tally(*counters),
        commits=commits,
        halvings=halvings,
        gathered=gathered,
        slots=slots,
        spent=spent,
    )


def read_tally(db: sqlite3.Connection, batch: int) -> Tally:
    sums = sum_slots(db, batch)
    groups = {
        row[0]: ErrorGroup(*row)
        for row in db.execute(
            "SELECT fingerprint, count, type, pattern, example, example_index "
            "FROM errors WHERE batch = ?",
            (batch,),
        )
    }
    durations = dict(
        db.execute("SELECT bucket, count FROM durations WHERE batch = ?", (batch,)).fetchall()
    )
    return replace(sums, errors=groups, durations=durations)


def _add_errors(db: sqlite3.Connection, batch: int, more: Tally) -> None:
    known = {
        name for (name,) in db.execute("SELECT fingerprint FROM errors WHERE batch = ?", (batch,))
    }
    for group in more.errors.values():
        name = group.fingerprint
        if name not in known and len(known - {OTHER}) >= MAX_ERROR_GROUPS:
            name = OTHER
        known.add(name)
        db.execute(
            "INSERT INTO errors VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = count + excluded.count",
            (
                batch,
                name,
                group.count,
                OTHER if name == OTHER else printable(group.type),
                "" if name == OTHER else printable(group.pattern),
                printable(group.example),
                group.example_index,
            ),
        )
