"""Keys that must each occur once.

What has been seen is kept as digests in a temporary database of SQLite's, which writes to a file
once its cache is full and removes that file when it is closed, or the process dies. So memory does
not grow with the keys. Two keys with one digest of 16 bytes are not to be expected in any source.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import blake2b

from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, OnProblem, refuse

_CACHE_KIB = 16 * 1024
#: all in one transaction that is never committed: there is nothing to keep
_SETUP = f"""
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -{_CACHE_KIB};
    CREATE TABLE seen (digest BLOB PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID;
    BEGIN;
"""
_INSERT = "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING"
_SELECT = "SELECT place FROM seen WHERE digest = ?"


def unique(
    lines: Iterable[Line], *, key_field: str = "id", on_problem: OnProblem = refuse
) -> Iterator[Line]:
    """The lines, each with a key of its own. None is held back: whoever stops early has had only
    lines that were looked at."""
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.executescript(_SETUP)
        for line in lines:
            try:
                _see(database, line, line.place, key_field)
            except SourceInvalid as problem:
                on_problem(problem)
                continue
            yield line


def _see(database: sqlite3.Connection, line: Line, place: str, key_field: str) -> None:
    if line.key is None:
        raise SourceInvalid(
            f"{place}: no key in {key_field!r}, and every record must have one with --unique-keys. "
            "Name the field that holds it with --key."
        )
    digest = blake2b(line.key.encode(), digest_size=16).digest()
    if database.execute(_INSERT, (digest, place)).rowcount:
        return
    ((first,),) = database.execute(_SELECT, (digest,))
    raise SourceInvalid(
        f"{place}: the key {line.key!r} is that of {first}, too. Leave one of them out, or name "
        "another field with --key."
    )
