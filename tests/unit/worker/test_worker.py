"""A worker on the real engine: what it does with every fate a run may have."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from threading import Event, Thread
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import Flow, FlowRef
from fanfold.domain.messages import RunMessage
from fanfold.domain.outcome import MAX_INLINE_OUTPUT_BYTES, Blame, Failed, Succeeded
from fanfold.domain.records import MAX_INLINE_BYTES
from fanfold.domain.run import MAX_LOG_ENTRIES, Run, RunState
from fanfold.errors import FlowNotFound
from fanfold.execution.library import Library
from fanfold.folds.stream import stream_results
from fanfold.ports import Station
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.home import Home
from fanfold.testing.puppet import marks
from fanfold.testing.stations import fanned_out
from fanfold.testing.working import until, work, worker_of, working
from fanfold.wiring import EMBEDDED

PUPPET = "fanfold.testing.puppet:puppet"
ASYNC = "fanfold.testing.puppet:async_puppet"
BOTH = pytest.mark.parametrize("place", [PUPPET, ASYNC], ids=["sync", "async"])
#: what is longer than an instant is too long to be spent in the process
HASTY = replace(EMBEDDED, wait_in_place=0.001)


def run_of(home: Home, batch: Batch, index: int = 0) -> Run:
    return home.ports.runs.read(batch.id, [index])[index]


def outputs(home: Home, batch: Batch) -> list[Any]:
    ports = home.ports
    stored = ports.batches.get(batch.id)
    return [it.output for it in stream_results(ports.runs, ports.batches, ports.blobs, stored)]


def starts(log: str) -> list[int]:
    return [it.index for it in marks(log) if it.what == "start"]


def failure_of(home: Home, batch: Batch, index: int = 0) -> Any:
    outcome = run_of(home, batch, index).outcome
    assert isinstance(outcome, Failed)
    return outcome.failure


def flows(folder: Path, text: str) -> Path:
    """A file of flows of the test's own."""
    file = folder / "flows_of_this_test.py"
    file.write_text(
        "from pathlib import Path\n\nfrom fanfold import Retryable, flow\n\n" + dedent(text)
    )
    return file


def is_ended(home: Home, batch: Batch) -> bool:
    return home.ports.batches.get(batch.id).ended


# ------------------------------------------------------------------- fates


@BOTH
def test_every_record_gets_its_own_result_in_its_own_place(home: Home, place: str) -> None:
    batch = home.create([{"do": "return", "value": n} for n in range(50)], place)
    work(home.ports)
    home.assert_whole(batch, 50)
    assert outputs(home, batch) == list(range(50))


@BOTH
def test_an_attempt_that_fails_is_retried_in_the_process_and_counted(
    home: Home, marked: str, place: str
) -> None:
    batch = home.create([{"do": "flaky", "until": 3, "log": marked}], place)
    work(home.ports)
    home.assert_whole(batch, 1)
    assert run_of(home, batch).attempts == 3
    assert [it.attempt for it in marks(marked) if it.what == "start"] == [1, 2, 3]
    assert home.ports.runs.tally(batch.id).waiting == 0


def test_an_attempt_that_keeps_failing_fails_after_the_last_retry(home: Home) -> None:
    batch = home.create([{"do": "error", "message": "out of stock"}, {"do": "ok"}], PUPPET)
    work(home.ports)
    home.assert_whole(batch, 2, failed=1)
    assert run_of(home, batch).attempts == 3
    assert failure_of(home, batch).message == "out of stock"


def test_what_every_attempt_logged_is_kept(home: Home, tmp_path: Path) -> None:
    place = flows(
        tmp_path,
        """
        @flow(retries=2, backoff=0.001)
        def logging(record, ctx):
            ctx.log(f"attempt {ctx.attempt}", tried=ctx.attempt)
            if ctx.attempt < 3:
                raise ValueError
        """,
    )
    batch = home.create([1], f"{place}:logging")
    work(home.ports)
    log = run_of(home, batch).log
    assert [it.message for it in log] == ["attempt 1", "attempt 2", "attempt 3"]


def test_a_run_that_logs_much_in_every_attempt_keeps_its_result(home: Home, tmp_path: Path) -> None:
    place = flows(
        tmp_path,
        """
        @flow(retries=30, backoff=0.0)
        def chatty(record, ctx):
            for _ in range(60):
                ctx.log("x" * 1000)
            if ctx.attempt <= 20:
                raise ValueError
            return "at last"
        """,
    )
    batch = home.create([1], f"{place}:chatty")
    work(home.ports)
    assert outputs(home, batch) == ["at last"]
    assert len(run_of(home, batch).log) <= MAX_LOG_ENTRIES


def test_trying_again_is_useless_is_believed(home: Home, marked: str) -> None:
    records = [{"do": "permanent", "message": "no such id", "log": marked}, {"do": "ok"}]
    batch = home.create(records, PUPPET)
    work(home.ports)
    assert starts(marked) == [0]
    assert failure_of(home, batch).blame is Blame.PERMANENT


@BOTH
def test_being_rate_limited_burns_no_attempt(home: Home, marked: str, place: str) -> None:
    record = {"do": "rate-limited", "times": 10, "after": 0.001, "log": marked}
    batch = home.create([record], place, retries=0)
    work(home.ports)
    home.assert_whole(batch, 1)
    assert len(starts(marked)) == 11
    assert run_of(home, batch).attempts == 1


def test_a_batch_may_retry_less_than_its_flow(home: Home, marked: str) -> None:
    batch = home.create([{"do": "error", "log": marked}, {"do": "ok"}], PUPPET, retries=0)
    work(home.ports)
    assert starts(marked) == [0]
    assert run_of(home, batch).attempts == 1


LATER = """
    @flow(retries=1)
    def later(record, ctx):
        if ctx.attempt == 1:
            raise Retryable("not yet", after=3600)
        return ctx.attempt
    """


def test_a_long_wait_is_counted_as_waiting_and_comes_back_with_its_attempts(
    still_home: Home, clock: StillClock, tmp_path: Path
) -> None:
    ports = still_home.ports
    batch = still_home.create([1, 2, 3], f"{flows(tmp_path, LATER)}:later")
    with working(ports):
        until(lambda: still_home.status(batch).counts.waiting == 3)
        until(lambda: ports.queue.backlog(Station.RUNS) == 0)  # nobody holds a message for it
        assert len(ports.leases.lives(batch.id, range(3))) == 3
        clock.pass_(3601)
        until(lambda: is_ended(still_home, batch))
    still_home.assert_whole(batch, 3)
    assert outputs(still_home, batch) == [2, 2, 2]
    assert run_of(still_home, batch).attempts == 2
    assert ports.leases.lives(batch.id, range(3)) == {}


def test_a_long_wait_outlives_the_worker_that_began_it(
    still_home: Home, clock: StillClock, tmp_path: Path
) -> None:
    batch = still_home.create([1], f"{flows(tmp_path, LATER)}:later")
    with working(still_home.ports):
        until(lambda: still_home.status(batch).counts.waiting == 1)
    clock.pass_(3601)
    work(still_home.ports)
    still_home.assert_whole(batch, 1)
    assert outputs(still_home, batch) == [2]


def test_under_a_limit_a_long_wait_gives_its_place_to_the_next(
    still_home: Home, clock: StillClock, tmp_path: Path
) -> None:
    batch = still_home.create([1, 2, 3], f"{flows(tmp_path, LATER)}:later", concurrency=1)
    with working(still_home.ports):
        until(lambda: still_home.status(batch).counts.waiting == 3)
        clock.pass_(3601)
        until(lambda: is_ended(still_home, batch))
    still_home.assert_whole(batch, 3)


@BOTH
def test_a_run_that_takes_too_long_is_settled_as_failed(home: Home, place: str) -> None:
    records = [{"do": "cancelable", "seconds": 600}, {"do": "ok"}]
    batch = home.create(records, place, timeout=0.05, retries=0)
    with working(home.ports):
        until(lambda: is_ended(home, batch))
    assert failure_of(home, batch).blame is Blame.TIMEOUT
    assert failure_of(home, batch).type == "Timeout"
    assert outputs(home, batch) == [None, "ok"]


def test_a_sync_run_that_timed_out_keeps_its_lane_but_not_its_batch(
    home: Home, marked: str, gate: Path
) -> None:
    hanging = {"do": "hang", "gate": str(gate), "log": marked}
    stuck = home.create([hanging, hanging], PUPPET, timeout=0.05, retries=0)
    with working(home.ports, threads=3):
        until(lambda: is_ended(home, stuck))
        assert len(starts(marked)) == 2, "their threads are still in there"
        assert [it for it in marks(marked) if it.what == "end"] == []
        last = {"do": "sleep", "seconds": 0.001, "log": marked}
        other = home.create([last] * 20, PUPPET)
        until(lambda: is_ended(home, other))
        assert most_at_once(marked, skip=2) == 1, "one lane of three is left"
        gate.touch()
        until(lambda: len([it for it in marks(marked) if it.what == "end"]) == 22)
        third = home.create([{"do": "ok"}] * 20, PUPPET)
        until(lambda: is_ended(home, third))
    assert failure_of(home, stuck).blame is Blame.TIMEOUT


def test_what_a_run_that_timed_out_returns_in_the_end_is_dropped(home: Home, gate: Path) -> None:
    stuck = home.create(
        [{"do": "hang", "gate": str(gate)}, {"do": "ok"}], PUPPET, timeout=0.05, retries=0
    )
    with working(home.ports):
        until(lambda: is_ended(home, stuck))
        before = home.status(stuck)
        gate.touch()
    assert home.status(stuck).tally == before.tally
    assert failure_of(home, stuck).blame is Blame.TIMEOUT


def test_a_record_too_large_for_its_message_runs_like_any_other(home: Home) -> None:
    large = "x" * (MAX_INLINE_BYTES + 1)
    batch = home.create([{"do": "return", "value": large}, {"do": "ok"}], PUPPET)
    work(home.ports)
    home.assert_whole(batch, 2)
    assert outputs(home, batch) == [large, "ok"]


def test_an_output_too_large_for_a_row_is_kept_and_read_back(home: Home) -> None:
    size = MAX_INLINE_OUTPUT_BYTES + 1
    batch = home.create([{"do": "big", "size": size}, {"do": "ok"}], PUPPET)
    work(home.ports)
    home.assert_whole(batch, 2)
    outcome = run_of(home, batch).outcome
    assert isinstance(outcome, Succeeded)
    assert outcome.output.blob is not None
    assert outputs(home, batch) == ["x" * size, "ok"]


def test_an_output_that_cannot_be_kept_fails_its_record_alone(home: Home) -> None:
    batch = home.create([{"do": "unserialisable"}, {"do": "ok"}], PUPPET)
    work(home.ports)
    home.assert_whole(batch, 2, failed=1)
    assert failure_of(home, batch).blame is Blame.OUTPUT


def test_two_batches_at_once_do_not_mix(home: Home) -> None:
    one = home.create([{"do": "return", "value": ["one", n]} for n in range(100)], PUPPET)
    two = home.create(
        [{"do": "return", "value": ["two", n]} for n in range(100)], ASYNC, concurrency=7
    )
    work(home.ports, threads=8)
    home.assert_whole(one, 100)
    home.assert_whole(two, 100)
    assert outputs(home, one) == [["one", n] for n in range(100)]
    assert outputs(home, two) == [["two", n] for n in range(100)]


def test_fatal_ends_the_batch_and_skips_what_has_not_begun(home: Home, marked: str) -> None:
    records = [{"do": "fatal", "message": "the account is closed", "log": marked}]
    records += [{"do": "ok", "log": marked}] * 50
    # a round between the failure's commit and the stop may let go of the next one, and that begins
    round_made = Event()
    rounds = Fault("batches", "find", "after", round_made.set)
    with working(with_faults(home.ports, [rounds]), policy=replace(EMBEDDED, wake_seconds=3600.0)):
        until(round_made.is_set)
        batch = home.create(records, PUPPET, concurrency=1)
        until(lambda: is_ended(home, batch))
    status = home.status(batch)
    assert status.batch.state is BatchState.FAILED
    assert status.batch.failure is not None
    assert "the account is closed" in status.batch.failure.message
    assert (status.counts.failed, status.counts.skipped) == (1, 50)
    assert starts(marked) == [0]


# ------------------------------------------------------------- concurrency


def most_at_once(log: str, skip: int = 0) -> int:
    """The largest number of executions that were in the flow at the same time."""
    inside = most = 0
    for mark in marks(log)[skip:]:
        inside += 1 if mark.what == "start" else -1
        most = max(most, inside)
    return most


@BOTH
def test_a_limit_of_seven_is_reached_and_never_passed(
    home: Home, marked: str, gate: Path, place: str
) -> None:
    waiting = {"do": "hang", "gate": str(gate), "log": marked}
    records = [waiting] * 7 + [{"do": "asleep", "seconds": 0.002, "log": marked}] * 150
    batch = home.create(records, place, concurrency=7)
    with working(home.ports, threads=16):
        until(lambda: len(starts(marked)) == 7)
        gate.touch()
        until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 157)
    assert most_at_once(marked) == 7


def test_waits_and_retries_do_not_pass_the_limit_either(
    home: Home, marked: str, gate: Path
) -> None:
    fates: list[dict[str, Any]] = [
        {"do": "asleep", "seconds": 0.003},
        {"do": "flaky", "until": 3},
        {"do": "rate-limited", "times": 2, "after": 0.004},
        {"do": "rate-limited", "times": 1, "after": 0.1},
        {"do": "retryable", "after": 0.002},
        {"do": "permanent"},
    ]
    policy = replace(EMBEDDED, wait_in_place=0.05)  # so that some wait in lives, some in place
    first = [{"do": "hang", "gate": str(gate), "log": marked}] * 7
    records = [*first, *({**fates[n % 6], "log": marked} for n in range(150))]
    batch = home.create(records, PUPPET, concurrency=7)
    with working(home.ports, threads=16, policy=policy):
        until(lambda: len(starts(marked)) == 7)
        gate.touch()
        until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 157, failed=50)
    assert most_at_once(marked) == 7
    assert home.ports.runs.tally(batch.id).attempts > 157


def test_two_workers_share_one_limit(home: Home, marked: str) -> None:
    records = [{"do": "asleep", "seconds": 0.002, "log": marked}] * 100
    batch = home.create(records, PUPPET, concurrency=3)
    with working(home.ports, threads=8), working(home.ports, threads=8):
        until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 100)
    assert most_at_once(marked) <= 3


# ------------------------------------------------------------------ leases


def test_a_long_run_has_a_lease_that_says_whose_it_is_and_ends_with_it(
    home: Home, marked: str, gate: Path
) -> None:
    batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
    with working(home.ports, policy=replace(EMBEDDED, lease_after=0.0)):
        until(lambda: home.ports.leases.lives(batch.id, [0]))
        held = home.ports.leases.lives(batch.id, [0])[0]
        assert (held.state, held.owner, held.attempts) == (RunState.RUNNING, home.ports.owner, 1)
        assert held.until > home.ports.clock.now()
        gate.touch()
        until(lambda: is_ended(home, batch))
    assert home.ports.leases.lives(batch.id, [0]) == {}


def test_a_short_run_writes_no_lease(home: Home) -> None:
    writes = Fault("leases", "hold", "before", lambda: None)
    home.create([{"do": "ok"}] * 50, PUPPET)
    work(with_faults(home.ports, [writes]))
    assert writes.calls == 0


def test_a_lease_outlasts_the_wait_for_a_retry(
    still_home: Home, clock: StillClock, tmp_path: Path, gate: Path
) -> None:
    """Or the sweep would take the waiting run for lost."""
    place = flows(
        tmp_path,
        """
        @flow(retries=1)
        def patient(record, ctx):
            while not Path(record).exists():
                ctx.sleep(0.005)
            raise Retryable("again", after=25)
        """,
    )
    batch = still_home.create([str(gate)], f"{place}:patient")
    ports = still_home.ports

    def until_when() -> float:
        held = ports.leases.lives(batch.id, [0]).get(0)
        return held.until if held else 0.0

    with working(ports, policy=replace(EMBEDDED, lease_after=0.0, lease_seconds=10.0)):
        until(until_when)
        gate.touch()
        until(lambda: until_when() > clock.now() + 25)


# ------------------------------------------------------------------ cancel


@pytest.mark.parametrize(
    ("place", "fate"),
    [(PUPPET, "cancelable"), (ASYNC, "sleep")],
    ids=["by its context", "by asyncio"],
)
def test_a_running_flow_is_told_that_its_batch_is_canceled(
    home: Home, marked: str, place: str, fate: str
) -> None:
    batch = home.create([{"do": fate, "seconds": 600, "log": marked}] * 3, place)
    with working(home.ports):
        until(lambda: len(starts(marked)) == 3)
        cancel(home.ports, batch.id)
        until(lambda: len(marks(marked)) == 6, patience=20)
        until(lambda: is_ended(home, batch))
    status = home.status(batch)
    assert status.batch.state is BatchState.CANCELED
    assert status.counts.canceled == 3
    assert home.ports.runs.read(batch.id, range(3)) == {}, "what comes late is refused"


def test_a_canceled_batch_ends_even_while_a_flow_will_not_listen(
    home: Home, marked: str, gate: Path
) -> None:
    batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
    with working(home.ports):
        until(lambda: starts(marked))
        cancel(home.ports, batch.id)
        until(lambda: is_ended(home, batch))
        ended = home.status(batch)
        gate.touch()
        until(lambda: len(marks(marked)) == 2)
    assert home.status(batch).tally == ended.tally, "its late result is refused"
    assert home.ports.runs.read(batch.id, [0]) == {}


def test_queued_records_of_a_canceled_batch_are_not_begun(home: Home, marked: str) -> None:
    batch = home.create([{"do": "cancelable", "seconds": 600, "log": marked}] * 100, PUPPET)
    with working(home.ports, threads=2):
        until(lambda: len(starts(marked)) == 2)
        cancel(home.ports, batch.id)
        until(lambda: is_ended(home, batch))
    assert len(starts(marked)) == 2
    assert home.ports.queue.backlog(Station.RUNS) == 0


def test_a_retry_that_is_due_after_a_cancel_is_not_begun(home: Home, marked: str) -> None:
    """It would charge once more for a batch the user has stopped."""
    record = {"do": "retryable", "after": 2.0, "log": marked}
    batch = home.create([record], PUPPET)
    with working(home.ports, until_idle=True) as (_, thread):
        until(lambda: len(marks(marked)) == 2)
        cancel(home.ports, batch.id)
        until(lambda: not thread.is_alive())
    assert home.status(batch).batch.state is BatchState.CANCELED
    assert starts(marked) == [0]


def test_canceling_one_batch_leaves_the_other_at_work(home: Home, marked: str) -> None:
    doomed = home.create([{"do": "cancelable", "seconds": 600, "log": marked}], PUPPET)
    other = home.create([{"do": "sleep", "seconds": 0.001}] * 50, PUPPET)
    with working(home.ports):
        until(lambda: starts(marked))
        cancel(home.ports, doomed.id)
        until(lambda: is_ended(home, doomed) and is_ended(home, other))
    home.assert_whole(other, 50)


# ------------------------------------------------------------------- drain


def test_draining_finishes_what_executes_and_gives_back_the_rest(
    home: Home, marked: str, gate: Path
) -> None:
    batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}] * 20, PUPPET)
    with working(home.ports, threads=3) as (worker, thread):
        until(lambda: len(starts(marked)) == 3)
        worker.stop()
        gate.touch()
        until(lambda: not thread.is_alive())
    assert len(starts(marked)) == 3
    status = home.status(batch)
    assert (status.counts.succeeded, status.counts.queued) == (3, 17)
    assert status.counts.running == 0, "nobody holds anything"
    work(home.ports)
    home.assert_whole(batch, 20)
    assert sorted(starts(marked)) == list(range(20)), "none was run twice"


def test_draining_gives_back_at_once_what_was_pulled_ahead(
    home: Home, marked: str, gate: Path
) -> None:
    """While what executes goes on, another worker has all the rest."""
    hanging = {"do": "hang", "gate": str(gate), "log": marked}
    with working(home.ports, threads=2) as (worker, _):
        fast = home.create([{"do": "ok"}] * 200, PUPPET)  # so that it pulls ahead
        until(lambda: is_ended(home, fast))
        batch = home.create([hanging] * 10, PUPPET)
        until(lambda: len(starts(marked)) == 2)
        worker.stop()
        with working(home.ports, threads=8):
            until(lambda: len(starts(marked)) == 10)
            gate.touch()
            until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 10)
    assert sorted(starts(marked)) == list(range(10))


def test_a_worker_whose_lanes_are_taken_leaves_the_rest_to_others(
    home: Home, marked: str, gate: Path
) -> None:
    hanging = {"do": "hang", "gate": str(gate), "log": marked}
    batch = home.create([hanging] * 10, PUPPET)
    with working(home.ports, threads=2) as (_, thread):
        until(lambda: len(starts(marked)) == 2)
        thread.join(0.3)  # long enough for a worker that would take more
        with working(home.ports, threads=8):
            until(lambda: len(starts(marked)) == 10)
            gate.touch()
            until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 10)


def test_draining_puts_down_what_waits_for_its_retry_with_its_attempts(
    home: Home, marked: str
) -> None:
    batch = home.create([{"do": "retryable", "after": 20.0, "log": marked}], PUPPET, retries=1)
    with working(home.ports):
        until(lambda: len(marks(marked)) == 2)
    it = home.ports.leases.lives(batch.id, [0])[0]
    assert (it.state, it.attempts) == (RunState.WAITING, 1)
    assert home.status(batch).counts.waiting == 1


def test_draining_does_not_wait_for_a_run_that_has_timed_out(home: Home, gate: Path) -> None:
    hanging = {"do": "hang", "gate": str(gate)}
    batch = home.create([hanging, {"do": "ok"}], PUPPET, timeout=0.05, retries=0)
    with working(home.ports) as (worker, thread):
        until(lambda: is_ended(home, batch))
        worker.stop()
        until(lambda: not thread.is_alive(), patience=30)
    gate.touch()


def test_draining_settles_what_was_just_over_when_it_began(home: Home) -> None:
    """The flow has returned, its large output is still being written."""
    writing, gate = Event(), Event()

    def hold() -> None:
        writing.set()
        assert gate.wait(60)

    batch = home.create([{"do": "big"}], PUPPET)
    ports = with_faults(home.ports, [Fault("blobs", "write", "before", hold)])
    with working(ports) as (worker, thread):
        assert writing.wait(60)
        worker.stop()
        thread.join(0.5)  # long enough for a worker that would not wait
        gate.set()
    assert home.ports.runs.tally(batch.id).succeeded == 1


def test_draining_settles_what_was_just_beginning(home: Home) -> None:
    """The lane has taken the record up and is still reading it."""
    reading, gate = Event(), Event()

    def hold() -> None:
        reading.set()
        assert gate.wait(60)

    value = "x" * MAX_INLINE_BYTES
    batch = home.create([{"do": "return", "value": value}], PUPPET, concurrency=1)
    # the first time it is read for its message, which is too small to hold it
    ports = with_faults(home.ports, [Fault("batches", "records", "before", hold, nth=2)])
    with working(ports) as (worker, thread):
        assert reading.wait(60)
        worker.stop()
        thread.join(0.5)  # long enough for a worker that would not wait
        gate.set()
    assert home.ports.runs.tally(batch.id).succeeded == 1


def test_a_retry_that_is_due_while_draining_keeps_count_of_its_attempts(
    home: Home, marked: str, gate: Path
) -> None:
    hanging = {"do": "hang", "gate": str(gate), "log": marked}
    again = {"do": "retryable", "after": 0.2, "log": marked}
    batch = home.create([hanging, again], PUPPET, retries=5)
    with working(home.ports) as (worker, _):
        until(lambda: starts(marked).count(1) >= 1 and starts(marked).count(0) == 1)
        worker.stop()
        until(lambda: home.ports.runs.tally(batch.id).waits == 1)
        gate.touch()
    tried = starts(marked).count(1)
    assert home.ports.leases.lives(batch.id, [1])[1].attempts == tried


def test_an_idle_worker_that_is_told_to_stop_ends(home: Home) -> None:
    with working(home.ports) as (worker, thread):
        worker.stop()
        until(lambda: not thread.is_alive())


# ------------------------------------------------------------ what goes wrong


def test_a_record_that_may_kill_its_process_runs_alone_from_its_third_delivery_on(
    home: Home, marked: str
) -> None:
    batch = home.create([{"do": "kill", "log": marked}, {"do": "ok", "log": marked}], PUPPET)
    batch = fanned_out(home.ports, batch)
    for _ in range(2):  # as by two workers that died of it
        home.ports.queue.release(home.ports.queue.pull(Station.RUNS, 10))
    work(home.ports)
    home.assert_whole(batch, 2, failed=1)
    assert failure_of(home, batch).blame is Blame.DIED
    assert "SIGKILL" in failure_of(home, batch).message


class Moody(Library):
    """Cannot load the flow until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads = False
        self.asked = 0

    def resolve(self, ref: FlowRef) -> Flow:
        self.asked += 1
        if not self.loads:
            raise FlowNotFound(f"flow {ref.name}: no module of that name")
        return super().resolve(ref)


def test_runs_of_a_flow_that_cannot_be_loaded_are_not_failed_but_delivered_again(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    batch = home.create([{"do": "ok"}] * 3, PUPPET)
    library = Moody()
    with working(home.ports, library=library):
        until(lambda: "flow.unloadable" in caplog.text)
        assert home.status(batch).counts.settled == 0
        assert "no module of that name" in caplog.text
        library.loads = True
        until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 3)


def test_messages_nobody_can_read_harm_no_other(home: Home) -> None:
    gone = RunMessage(batch_id="batch-aaaaaaaaaaaaaaaa", index=0).encode()
    batch = home.create([{"do": "ok"}] * 3, PUPPET)
    missing = RunMessage(batch_id=batch.id, index=77).encode()
    for station in (Station.RUNS, Station.FAN_OUT, Station.FINALIZATIONS):
        home.ports.queue.publish(station, batch.id, [b"{oops", b"\xff"])
    home.ports.queue.publish(Station.RUNS, batch.id, [gone, missing])
    work(home.ports)
    home.assert_whole(batch, 3)
    assert not any(home.ports.queue.backlog(station) for station in Station)


def test_being_told_to_stop_takes_no_lock(home: Home) -> None:
    """A signal's handler tells it, on top of a main thread that may hold any of them."""
    worker = worker_of(home.ports)
    with worker._lanes._room._cond:  # type: ignore[attr-defined]
        teller = Thread(target=worker.stop, daemon=True)
        teller.start()
        teller.join(30)
        assert not teller.is_alive()
