"""Flows with isolation="process" in a worker: killed records, living neighbours, orders, ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.folds.stream import stream_results
from fanfold.steps.stop import cancel
from fanfold.testing.home import Home
from fanfold.testing.working import until, work, working
from fanfold.worker.bounds import Bounds
from tests.unit.worker.bounded import working_within

OK = {"do": "ok"}


@pytest.fixture
def place(tmp_path: Path) -> str:
    file = tmp_path / "apart.py"
    file.write_text(APART)
    return f"{file}:apart"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where a record that blocks writes its process' number."""
    return tmp_path / "pid"


def failure_of(home: Home, batch: Batch, index: int) -> Failure:
    outcome = home.ports.runs.read(batch.id, [index])[index].outcome
    assert isinstance(outcome, Failed)
    return outcome.failure


def outputs(home: Home, batch: Batch) -> list[Any]:
    ports = home.ports
    stored = ports.batches.get(batch.id)
    return [it.output for it in stream_results(ports.runs, ports.batches, ports.blobs, stored)]


def is_ended(home: Home, batch: Batch) -> bool:
    return home.ports.batches.get(batch.id).ended


def pid_in(log: Path) -> int:
    until(lambda: log.exists() and log.read_text().endswith("\n"))
    return int(log.read_text())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_record_that_takes_memory_without_end_fails_alone_and_once(
    home: Home, place: str
) -> None:
    batch = home.create([OK, OK, {"do": "grow"}, OK, OK], place)
    work(home.ports)
    home.assert_whole(batch, 5, failed=1)
    failure = failure_of(home, batch, 2)
    assert (failure.blame, failure.type) == (Blame.MEMORY, "MemoryExceeded")
    assert failure.message == "needed more memory than its 256 MiB"
    assert home.ports.runs.read(batch.id, [2])[2].attempts == 1


def test_a_record_that_blocks_in_c_fails_at_its_timeout_and_takes_no_lane_with_it(
    home: Home, place: str, log: Path
) -> None:
    block = {"do": "block", "log": str(log)}
    stuck = home.create([block, block], place, timeout=0.2, retries=0)
    with working(home.ports, threads=1):
        until(lambda: is_ended(home, stuck))
        after = home.create([OK] * 3, place)
        until(lambda: is_ended(home, after))
    home.assert_whole(after, 3)
    failure = failure_of(home, stuck, 1)
    assert (failure.blame, failure.type) == (Blame.TIMEOUT, "Timeout")


def test_a_record_that_crashes_fails_at_its_first_delivery(home: Home, place: str) -> None:
    batch = home.create([{"do": "crash"}, OK], place)
    work(home.ports)
    home.assert_whole(batch, 2, failed=1)
    assert failure_of(home, batch, 0).blame is Blame.DIED
    assert "SIGSEGV" in failure_of(home, batch, 0).message


def test_as_many_run_at_once_as_there_are_lanes(home: Home, place: str, tmp_path: Path) -> None:
    """None ends before all have begun."""
    meeting = {"do": "meet", "folder": str(tmp_path / "here"), "many": 3}
    batch = home.create([meeting] * 3, place)
    work(home.ports, threads=3)
    home.assert_whole(batch, 3)
    pids = set(outputs(home, batch))
    assert len(pids) == 3
    assert os.getpid() not in pids


def test_children_are_used_again(home: Home, place: str) -> None:
    batch = home.create([{"do": "pid"}] * 40, place)
    work(home.ports, threads=2)
    home.assert_whole(batch, 40)
    assert len(set(outputs(home, batch))) <= 2


def test_where_runs_are_quick_it_runs_in_a_child_all_the_same(home: Home, place: str) -> None:
    with working(home.ports, threads=2) as (worker, _):
        worker._hand.median_seconds = worker._hand.mean_seconds = 1e-6
        batch = home.create([{"do": "pid"}] * 10, place)
        until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 10)
    assert os.getpid() not in outputs(home, batch)


def test_canceling_kills_what_is_deaf_to_it(home: Home, place: str, log: Path) -> None:
    batch = home.create([{"do": "block", "log": str(log)}], place)
    with working(home.ports):
        pid = pid_in(log)
        cancel(home.ports, batch.id)
        until(lambda: is_ended(home, batch))
        until(lambda: not is_alive(pid))
    assert home.ports.batches.get(batch.id).state is BatchState.CANCELED


def test_a_drain_waits_for_what_runs(home: Home, place: str, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    batch = home.create([{"do": "meet", "folder": str(folder), "many": 2}], place)
    with working(home.ports) as (worker, _):
        until(lambda: folder.exists() and list(folder.iterdir()))
        worker.stop()
        (folder / "the second one").touch()
    assert home.status(batch).counts.succeeded == 1


def test_a_drain_whose_time_is_over_kills_what_runs_and_gives_it_back(
    home: Home, place: str, log: Path
) -> None:
    batch = home.create([{"do": "block", "log": str(log)}], place)
    with working_within(home.ports, Bounds(grace=0.0)) as (worker, thread):
        pid = pid_in(log)
        worker.stop()
        until(lambda: not thread.is_alive())
        until(lambda: not is_alive(pid))
    log.unlink()
    with working(home.ports):
        assert pid_in(log) != pid, "another worker is at it"
        cancel(home.ports, batch.id)
        until(lambda: is_ended(home, batch))


APART = """\
import ctypes, os, signal, time
from pathlib import Path
from fanfold import flow

taken = []

@flow(isolation="process", memory="256MiB")
def apart(record):
    match record:
        case {"do": "pid"}:
            return os.getpid()
        case {"do": "grow"}:
            while True:
                taken.append(b"x" * 2**20)
        case {"do": "crash"}:
            os.kill(os.getpid(), signal.SIGSEGV)
        case {"do": "meet", "folder": folder, "many": many}:
            folder = Path(folder)
            folder.mkdir(exist_ok=True)
            (folder / str(os.getpid())).touch()
            while len(list(folder.iterdir())) < many:
                time.sleep(0.005)
            return os.getpid()
        case {"do": "block", "log": log}:
            Path(log).write_text(f"{os.getpid()}\\n")
            while True:
                ctypes.PyDLL(None).sleep(3600)
    return "ok"
"""
