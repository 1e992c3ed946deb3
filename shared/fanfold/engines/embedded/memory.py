"""The embedded engine's tables in memory, for one thread: the same statements, without a file.

Nothing of it survives, and nobody else sees it: for simulations, which run many short lives of an
engine one after the other. Emptying the tables keeps the connection's prepared statements, which
take longer to make than most schedules take to run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
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

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Nobody is there to wait for, and nothing to be told of a disk."""
        db = self._connection
        db.execute("BEGIN")
        try:
            yield db
        except BaseException:
            db.execute("ROLLBACK")
            raise
        db.execute("COMMIT")

    def empty(self) -> None:
        """As new, numbers included."""
        with self.write() as db:
            for table in self._tables:
                db.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        self._connection.close()
