"""The embedded engine's tables in memory, for one thread: the same statements, without a file.

Nothing of it survives, and nobody else sees it: for simulations, which run many short lives of an
engine one after the other. Emptying the tables keeps the connection's prepared statements, which
take longer to make than most schedules take to run.
"""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from fanfold.engines.embedded.database import Database, prepare_connection

#: more statements than the engine has
_STATEMENTS = 512


class MemoryDatabase(Database):
    def __init__(self) -> None:
        self.path = Path(":memory:")
        self._connection = sqlite3.connect(
            ":memory:", isolation_level=None, cached_statements=_STATEMENTS
        )
        prepare_connection(self._connection)
        self._transaction = _Transaction(self._connection)
        with self.write() as db:
            self._settle_version(db)
        self._tables = [
            name
            for (name,) in self._connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
        ]

    def read(self) -> sqlite3.Connection:
        return self._connection

    def snapshot(self) -> AbstractContextManager[sqlite3.Connection]:  # type: ignore[override]
        """Every moment is one: nobody else writes."""
        return nullcontext(self._connection)

    def write(self) -> AbstractContextManager[sqlite3.Connection]:  # type: ignore[override]
        """Nobody is there to wait for, and nothing to be told of a disk."""
        return self._transaction

    def empty(self) -> None:
        """As new, numbers included."""
        with self.write() as db:
            for table in self._tables:
                db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        self._connection.close()


class _Transaction:
    """Entered time and again, which is many times as cheap as a generator for each."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN")
        return self._db

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._db.execute("COMMIT" if kind is None else "ROLLBACK")
