"""A drain that has a limit: what does not finish in time is given back, and the process can end."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from threading import Event, Thread

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.records import MAX_INLINE_BYTES
from fanfold.domain.run import RunState
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.errors import EngineError
from fanfold.ports import Ports, Station
from fanfold.testing.clock import StillClock
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.home import Home
from fanfold.testing.puppet import marks
from fanfold.testing.stations import fanned_out
from fanfold.testing.working import until, work, working
from fanfold.wiring import EMBEDDED, GOOGLE
from fanfold.worker.bounds import Bounds
from fanfold.worker.worker import Worker
from tests.unit.worker.bounded import working_within

PUPPET = "fanfold.testing.puppet:puppet"
ASYNC = "fanfold.testing.puppet:async_puppet"
#: over at once: what runs when it is told to stop has no chance to finish
AT_ONCE = Bounds(grace=0.0)
LEASED = replace(EMBEDDED, lease_after=0.0)


def starts(log: str) -> list[int]:
    return [it.index for it in marks(log) if it.what == "start"]


def is_ended(home: Home, batch: Batch) -> bool:
    return home.ports.batches.get(batch.id).ended


def attempts(home: Home, batch: Batch) -> int:
    return home.ports.runs.read(batch.id, [0])[0].attempts


@pytest.fixture
def other(still_home: Home, clock: StillClock) -> Iterator[Ports]:
    """The same home as another process sees it. The first one lives on, and no time passes: what
    is leased to it stays so."""
    with embedded_engine(still_home.path, clock) as ports:
        yield ports


def end(worker: Worker, thread: Thread) -> None:
    worker.stop()
    until(lambda: not thread.is_alive())


def finish(worker: Worker, gate: Path) -> None:
    """What it has left behind comes to its end."""
    gate.touch()
    until(lambda: not any(it.is_alive() for it in worker._lanes.threads))


@pytest.mark.parametrize("place", [PUPPET, ASYNC], ids=["sync", "async"])
def test_a_run_that_hangs_for_ever_is_given_back_at_once_and_the_drain_ends(
    still_home: Home, other: Ports, marked: str, gate: Path, place: str
) -> None:
    hanging = {"do": "hang", "gate": str(gate), "log": marked}
    batch = still_home.create([hanging], place)
    with working_within(still_home.ports, AT_ONCE) as (worker, thread):
        until(lambda: starts(marked))
        end(worker, thread)
    assert worker.left_behind
    with working(other):
        until(lambda: starts(marked) == [0, 0])
        gate.touch()
        until(lambda: is_ended(still_home, batch))
    still_home.assert_whole(batch, 1)
    assert attempts(still_home, batch) == 1, "what was broken off does not count"


def test_what_returns_after_that_changes_nothing(home: Home, marked: str, gate: Path) -> None:
    """Somebody else may be at it by then, or have been canceled, or have failed."""
    batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
    with working_within(home.ports, AT_ONCE) as (worker, thread):
        until(lambda: starts(marked))
        end(worker, thread)
        finish(worker, gate)
    assert [it.what for it in marks(marked)] == ["start", "end"]
    assert home.status(batch).counts.settled == 0
    assert home.ports.queue.backlog(Station.RUNS) == 1
    work(home.ports)
    home.assert_whole(batch, 1)


def test_nor_does_what_fails_after_that(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """It would be given back a second time, with a delay, from whoever has it by then."""
    caplog.set_level(logging.WARNING)
    reading, gate = Event(), Event()

    def break_off() -> None:
        reading.set()
        assert gate.wait(60)
        raise EngineError

    value = "x" * MAX_INLINE_BYTES
    batch = home.create([{"do": "return", "value": value}], PUPPET, concurrency=1)
    # the first time it is read for its message, which is too small to hold it
    ports = with_faults(home.ports, [Fault("batches", "records", "before", break_off, nth=2)])
    with working_within(ports, AT_ONCE) as (worker, thread):
        assert reading.wait(60)
        end(worker, thread)
        gate.set()
        until(lambda: not any(it.is_alive() for it in worker._lanes.threads))
    assert "worker.gave_back" in caplog.text
    assert "message.failed" not in caplog.text
    work(home.ports)
    home.assert_whole(batch, 1)


def test_whoever_gets_it_next_need_not_wait_for_the_lease_to_end(
    still_home: Home, other: Ports, clock: StillClock, marked: str, gate: Path
) -> None:
    batch = still_home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
    leases = still_home.ports.leases
    with working_within(still_home.ports, AT_ONCE, policy=LEASED) as (worker, thread):
        until(lambda: leases.lives(batch.id, [0]))
        end(worker, thread)
    left = leases.lives(batch.id, [0])[0]
    assert (left.state, left.owner, left.attempts) == (RunState.QUEUED, None, 0)
    now = clock.now()
    assert leases.wake(batch, now, now + 60, 10) == [], "a second message would run beside it"
    with working(other):
        until(lambda: starts(marked) == [0, 0])
        finish(worker, gate)
        until(lambda: is_ended(still_home, batch))
    still_home.assert_whole(batch, 1)
    assert attempts(still_home, batch) == 1
    assert leases.lives(batch.id, [0]) == {}


def test_the_attempts_before_keep_their_count(home: Home, tmp_path: Path, gate: Path) -> None:
    """Without a lease, too."""
    begun = tmp_path / "begun"
    file = tmp_path / "flows_of_this_test.py"
    file.write_text(
        dedent(
            f"""
            from pathlib import Path
            from fanfold import Retryable, flow

            @flow(retries=5)
            def second(record, ctx):
                if ctx.attempt < 3:
                    raise Retryable("again", after=0)
                Path({str(begun)!r}).touch()
                while not Path({str(gate)!r}).exists():
                    ctx.sleep(0.005)
                return ctx.attempt
            """
        )
    )
    batch = home.create([1], f"{file}:second")
    with working_within(home.ports, AT_ONCE) as (worker, thread):
        until(begun.exists)
        end(worker, thread)
    assert home.ports.leases.lives(batch.id, [0])[0].attempts == 2
    gate.touch()
    work(home.ports)
    home.assert_whole(batch, 1)
    assert attempts(home, batch) == 3


def test_what_finishes_in_time_is_settled(home: Home, marked: str, gate: Path) -> None:
    batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
    with working_within(home.ports, Bounds(grace=600.0)) as (worker, thread):
        until(lambda: starts(marked))
        worker.stop()
        gate.touch()
        until(lambda: not thread.is_alive())
    assert not worker.left_behind
    assert home.ports.runs.tally(batch.id).succeeded == 1
    assert home.ports.queue.backlog(Station.RUNS) == 0


def test_a_run_that_was_taken_for_quick_is_given_back_as_any_other(
    home: Home, marked: str, gate: Path
) -> None:
    with working_within(home.ports, AT_ONCE, threads=1) as (worker, thread):
        quick = home.create([{"do": "ok"}] * 3000, PUPPET)
        until(lambda: is_ended(home, quick))
        worker._hand.median_seconds = worker._hand.mean_seconds = 1e-6
        batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
        until(lambda: starts(marked))
        end(worker, thread)
    assert home.ports.leases.lives(batch.id, [0]) == {}, "it had no attempts before"
    finish(worker, gate)
    work(home.ports)
    home.assert_whole(batch, 1)
    assert attempts(home, batch) == 1


def test_a_run_in_a_child_process_is_given_back_and_the_child_ends(home: Home, marked: str) -> None:
    batch = fanned_out(home.ports, home.create([{"do": "hang", "log": marked}], PUPPET))
    for _ in range(2):  # as by two workers that died of it
        home.ports.queue.release(home.ports.queue.pull(Station.RUNS, 10))
    with working_within(home.ports, AT_ONCE) as (worker, thread):
        until(lambda: starts(marked))
        end(worker, thread)
    (child,) = {it.pid for it in marks(marked)}
    assert child != os.getpid()
    until(lambda: not is_alive(child))
    (again,) = home.ports.queue.pull(Station.RUNS, 10)
    assert again.attempt == 4
    assert home.status(batch).counts.settled == 0


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_fold_that_hangs_is_given_back_too(home: Home, tmp_path: Path, gate: Path) -> None:
    begun = tmp_path / "begun"
    file = tmp_path / "folds_of_this_test.py"
    file.write_text(
        dedent(
            f"""
            import time
            from pathlib import Path
            from fanfold import flow

            def hanging(results):
                Path({str(begun)!r}).touch()
                while not Path({str(gate)!r}).exists():
                    time.sleep(0.005)

            @flow(fold=hanging)
            def folded(record):
                return record
            """
        )
    )
    batch = home.create([1], f"{file}:folded")
    with working_within(home.ports, AT_ONCE) as (worker, thread):
        until(begun.exists)
        end(worker, thread)
    assert worker.left_behind
    assert home.ports.queue.pull(Station.FINALIZATIONS, 1)[0].attempt == 2
    gate.touch()
    until(lambda: is_ended(home, batch))
    assert worker._clerk is not None
    until(lambda: not any(it.is_alive() for it in worker._clerk._threads))  # type: ignore[union-attr]


def test_an_idle_worker_that_has_a_limit_ends(home: Home) -> None:
    with working_within(home.ports, Bounds(grace=600.0)) as (worker, thread):
        end(worker, thread)
    assert not worker.left_behind


def test_without_being_asked_only_the_google_engine_has_a_limit_below_cloud_run_s(
    home: Home, marked: str, gate: Path
) -> None:
    assert EMBEDDED.grace_seconds == math.inf
    assert GOOGLE.grace_seconds < 10
    home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
    policy = replace(EMBEDDED, grace_seconds=0.0)
    with working_within(home.ports, Bounds(), policy=policy) as (worker, thread):
        until(lambda: starts(marked))
        end(worker, thread)
    finish(worker, gate)
