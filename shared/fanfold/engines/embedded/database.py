"""One SQLite file, written by several processes.

WAL mode with synchronous=NORMAL: a commit survives the death of any process at any moment; after a
power cut the last commits may be missing, queue and store together, so they still agree.

Writers take turns by a file lock, which the kernel hands on at once and in order; SQLite's own
waiting polls with sleeps of up to 100 ms, which starves one of two busy processes. Should the file
lock not exclude somebody (two engines in one process), SQLite's own lock still does.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

from fanfold.domain.digest import mix
from fanfold.engines.embedded.schema import APPLICATION_ID, TABLES, VERSION
from fanfold.errors import EngineError, HomeRefused

_BUSY_SECONDS = 60.0
#: With less SQLite cannot work, and calls that an I/O error.
_FULL_BYTES = 64 * 1024
_OPENING = threading.Lock()


class _Held:
    """A thread's connection, which is closed when the thread has ended: a server's threads come and
    go."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.close()

    __del__ = close


class Database:
    def __init__(self, home: Path) -> None:
        if sqlite3.sqlite_version_info < (3, 35):
            raise HomeRefused(
                f"this Python's SQLite is {sqlite3.sqlite_version}; 3.35 or newer is needed. "
                "Use a newer Python."
            )
        self.path = home / "fanfold.db"
        self._local = threading.local()
        #: those of the threads that live
        self._opened: WeakSet[_Held] = WeakSet()
        self._turn = threading.Lock()
        lock = home / "write.lock"
        try:
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:  # of another user's, perhaps
            raise HomeRefused(
                f"{lock} cannot be opened: {error.strerror}. Set FANFOLD_HOME to another folder."
            ) from None
        try:
            # Going over to WAL needs the file alone and does not wait for it: so in one's own turn,
            # which is a process' own, and so one's own among its threads besides.
            with _OPENING, self._own_turn():
                self.read().execute("PRAGMA journal_mode = WAL")
            with self.write() as db:
                self._settle_version(db)
        except sqlite3.DatabaseError as error:
            self.close()
            raise HomeRefused(f"{self.path} cannot be opened: {_told(self.path, error)}") from None
        except BaseException:
            self.close()
            raise

    def read(self) -> sqlite3.Connection:
        """This thread's connection; each statement sees what is committed when it starts."""
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            held = self._local.held = _Held(self._open())
            self._opened.add(held)
        return held.connection

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads of one moment."""
        db = self.read()
        db.execute("BEGIN")
        try:
            yield db
        finally:
            db.execute("COMMIT")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or, if the block raises, nothing."""
        db = self.read()
        with self._own_turn():
            try:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.execute("ROLLBACK")
                    raise
                db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise EngineError(f"{self.path}: {_told(self.path, error)}") from error

    @contextmanager
    def _own_turn(self) -> Iterator[None]:
        with self._turn:
            fcntl.lockf(self._lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        for held in list(self._opened):
            held.close()
        self._local = threading.local()
        with suppress(OSError):
            os.close(self._lock)

    def _open(self) -> sqlite3.Connection:
        try:
            db = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA temp_store = MEMORY")
            prepare_connection(db)
        except sqlite3.DatabaseError as error:
            raise HomeRefused(f"{self.path} cannot be opened: {_told(self.path, error)}") from None
        return db

    def _settle_version(self, db: sqlite3.Connection) -> None:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application == APPLICATION_ID and version == VERSION:
            return
        if tables and application != APPLICATION_ID:
            raise HomeRefused(f"{self.path} is not a file of Fanfold's. Set FANFOLD_HOME.")
        if version > VERSION:
            raise HomeRefused(
                f"{self.path} was written by a newer Fanfold (store version {version}; this one "
                f"knows {VERSION}). Upgrade Fanfold, or set FANFOLD_HOME to another folder."
            )
        if tables:
            raise HomeRefused(
                f"{self.path} was written by an older Fanfold (store version {version}; this one "
                f"writes {VERSION}). Look at its batches with that one, and set FANFOLD_HOME to "
                "another folder here."
            )
        for statement in TABLES.split(";"):
            if statement.strip():
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")


def prepare_connection(db: sqlite3.Connection) -> None:
    """What the engine's statements call."""
    db.create_function("mix", 1, mix, deterministic=True)
    db.create_function("bits", 1, int.bit_count, deterministic=True)


def _told(path: Path, error: sqlite3.Error) -> str:
    """With the remedy, where SQLite's own words have none."""
    text = str(error)
    with suppress(OSError):
        if "disk is full" in text or shutil.disk_usage(path.parent).free < _FULL_BYTES:
            return f"the disk is full ({text}). Free some room on it; what is stored is kept"
    if "readonly" in text or "unable to open" in text:
        return f"{text}. Ask whoever owns it, or set FANFOLD_HOME to a folder of your own"
    return text
