"""One file, several processes: what is refused, what is seen, what is never lost."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.embedded.home import prepare_home
from fanfold.engines.embedded.schema import VERSION
from fanfold.errors import EngineError, HomeRefused
from fanfold.ports import Ports, Station
from fanfold.testing.conformance.rig import new_batch, with_records

if TYPE_CHECKING:
    from tests.unit.engines.embedded.conftest import Elsewhere

BATCH = "batch-aaaaaaaaaaaaaaaa"


def refused(home: Path) -> str:
    with pytest.raises(HomeRefused) as refusal, embedded_engine(home):
        pass
    text = str(refusal.value)
    assert "\n" not in text
    assert str(home / "fanfold.db") in text
    return text


def by_hand(home: Path, statement: str) -> None:
    db = sqlite3.connect(home / "fanfold.db", isolation_level=None)
    db.execute(statement)
    db.close()


def test_a_store_of_a_newer_version_is_refused_and_says_which(home: Path) -> None:
    with embedded_engine(home):
        pass
    by_hand(home, f"PRAGMA user_version = {VERSION + 1}")
    text = refused(home)
    assert f"version {VERSION + 1}" in text
    assert "Upgrade Fanfold" in text


def test_a_store_of_an_older_version_is_refused_and_left_as_it_is(home: Path) -> None:
    with embedded_engine(home):
        pass
    by_hand(home, f"PRAGMA user_version = {VERSION - 1}")
    text = refused(home)
    assert f"version {VERSION - 1}" in text
    assert "FANFOLD_HOME" in text
    by_hand(home, f"PRAGMA user_version = {VERSION}")
    with embedded_engine(home) as ports:
        assert ports.batches.find() == []


def test_somebody_else_s_file_is_refused_and_keeps_what_it_holds(home: Path) -> None:
    home.mkdir()
    by_hand(home, "CREATE TABLE diary (page TEXT)")
    assert "not a file of Fanfold's" in refused(home)
    db = sqlite3.connect(home / "fanfold.db")
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("diary",)]
    db.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(home: Path) -> None:
    home.mkdir()
    rubbish = b"this is no database, " * 1000
    (home / "fanfold.db").write_bytes(rubbish)
    assert "not a database" in refused(home)
    assert (home / "fanfold.db").read_bytes() == rubbish


def test_a_home_that_was_refused_can_be_opened_once_it_is_mended(home: Path) -> None:
    home.mkdir()
    (home / "fanfold.db").write_bytes(b"rubbish" * 1000)
    refused(home)
    (home / "fanfold.db").unlink()
    with embedded_engine(home) as ports:
        assert ports.batches.find() == []


def test_an_empty_file_becomes_a_store(home: Path) -> None:
    home.mkdir()
    (home / "fanfold.db").touch()
    with embedded_engine(home) as ports:
        new_batch(ports)


def test_what_was_stored_is_there_after_everybody_has_left(home: Path) -> None:
    with embedded_engine(home) as ports:
        batch = with_records(ports, new_batch(ports), 3)
    with embedded_engine(home) as ports:
        assert ports.batches.get(batch.id) == batch
        assert len(list(ports.batches.records(batch.id, 0, 3))) == 3


def test_another_process_sees_what_is_committed_at_once(ports: Ports, elsewhere: Elsewhere) -> None:
    other = elsewhere(
        """
        with embedded_engine(home) as ports:
            for batch_id in sys.stdin:
                print(ports.batches.get(batch_id.strip()).checkpoint.records, flush=True)
        """
    )
    assert other.stdin is not None
    assert other.stdout is not None
    batch = new_batch(ports)
    for count in (0, 10, 20):
        batch = with_records(ports, batch, count)
        print(batch.id, file=other.stdin, flush=True)
        assert other.stdout.readline() == f"{count}\n"


def test_a_write_that_breaks_off_leaves_nothing_and_does_not_block_the_next(home: Path) -> None:
    home.mkdir()
    database = Database(home)

    def broken() -> None:
        with database.write() as db:
            db.execute("INSERT INTO owners VALUES ('me')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert database.read().execute("SELECT count(*) FROM owners").fetchone() == (0,)
    with database.write() as db:
        db.execute("INSERT INTO owners VALUES ('me')")
    database.close()
    database = Database(home)
    assert database.read().execute("SELECT count(*) FROM owners").fetchone() == (1,)
    database.close()


def test_a_disk_that_is_full_is_said_so_and_work_goes_on_once_it_is_not(home: Path) -> None:
    home.mkdir()
    database = Database(home)
    (pages,) = database.read().execute("PRAGMA page_count").fetchone()
    database.read().execute(f"PRAGMA max_page_count = {pages}")
    big: list[Any] = [[f"{n}-{'x' * 4000}"] for n in range(50)]
    with pytest.raises(EngineError, match="full"), database.write() as db:
        db.executemany("INSERT INTO owners VALUES (?)", big)
    database.read().execute("PRAGMA max_page_count = 1000000")
    with database.write() as db:
        db.executemany("INSERT INTO owners VALUES (?)", big)
    assert database.read().execute("SELECT count(*) FROM owners").fetchone() == (50,)
    database.close()


def test_many_processes_that_write_at_once_lose_nothing(ports: Ports, elsewhere: Elsewhere) -> None:
    writers = [
        elsewhere(
            """
            with embedded_engine(home) as ports:
                sys.stdin.readline()
                for number in range(100):
                    body = f"{os.getpid()}-{number}".encode()
                    ports.queue.publish(Station.RUNS, "batch-aaaaaaaaaaaaaaaa", [body])
            """
        )
        for _ in range(4)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(60) for writer in writers] == [0] * 4
    bodies = {it.body.decode() for it in ports.queue.pull(Station.RUNS, 1000)}
    assert bodies == {f"{writer.pid}-{n}" for writer in writers for n in range(100)}


def test_many_processes_may_make_a_home_at_once(home: Path, elsewhere: Elsewhere) -> None:
    processes = [
        elsewhere(
            """
            sys.stdin.readline()
            for number in range(20):
                with embedded_engine(home / str(number)) as ports:
                    ports.queue.publish(Station.RUNS, "batch-aaaaaaaaaaaaaaaa", [b"here"])
            """
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(60) for process in processes] == [0] * 4
    for number in range(20):
        with embedded_engine(home / str(number)) as ports:
            assert ports.queue.backlog(Station.RUNS) == 4


def test_a_home_may_be_opened_by_many_threads_at_once(tmp_path: Path) -> None:
    """Going over to WAL does not wait, and a lock of the process' own keeps no thread out. Such a
    race is lost once in some hundred times: so there are thousands."""
    for attempt in range(150):
        home = prepare_home(tmp_path / f"home-{attempt}")
        together = Barrier(6)

        def open_(home: Path = home, together: Barrier = together) -> None:
            together.wait()
            for _ in range(3):
                Database(home).close()

        with ThreadPoolExecutor(6) as pool:
            for done in [pool.submit(open_) for _ in range(6)]:
                done.result()


def test_threads_that_have_ended_leave_no_connection_open(home: Path) -> None:
    """A server's threads come and go. (SQLite keeps a file open while another connection is at it,
    and takes it again for the next one: as many as there were threads at once.)"""
    database = Database(prepare_home(home))
    threads, rounds = 4, 20

    def files() -> int:
        return sum(1 for it in Path("/proc/self/fd").iterdir() if it.exists())

    before = files()
    for _ in range(rounds):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: database.read().execute("SELECT 1").fetchall(), range(8)))
    assert files() <= before + threads
    database.close()
