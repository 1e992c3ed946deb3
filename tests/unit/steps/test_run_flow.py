"""What is done with a run's message, and what becomes of its attempts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.messages import RunMessage, encode_run
from fanfold.domain.outcome import (
    MAX_INLINE_OUTPUT_BYTES,
    Blame,
    Failed,
    Failure,
    Raised,
    Returned,
    Succeeded,
    TimedOut,
)
from fanfold.domain.records import MAX_INLINE_BYTES
from fanfold.domain.retry import Again
from fanfold.domain.run import Live, Run, RunState
from fanfold.errors import MessageInvalid
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.catch_up import catch_up
from fanfold.steps.run_flow import Admission, Job, admit, conclude, decode, live_of, resolve
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, live, ok
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.home import Home
from fanfold.testing.puppet import puppet
from fanfold.testing.stations import fanned_out, runs_taken
from fanfold.wiring import EMBEDDED

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS: list[Any] = [{"id": f"key-{n}", "n": [n]} for n in range(5)]


@pytest.fixture
def batch(home: Home, ports: Ports) -> Batch:
    return fanned_out(ports, home.create(RECORDS, PUPPET))


def job_of(batch: Batch, index: int, *, delivery: int = 1, **message: Any) -> Job:
    it = RunMessage(batch_id=batch.id, index=index, **message)
    return Job(Delivery(Station.RUNS, it.encode(), delivery, str(index)), it, batch, puppet)


def admitted(ports: Ports, batch: Batch, *jobs: Job) -> list[Admission]:
    return [admission for _, admission in admit(ports, EMBEDDED, batch, jobs)]


# ------------------------------------------------------------------ admit


def test_a_first_delivery_runs_and_costs_no_read(ports: Ports, batch: Batch) -> None:
    reads = [
        Fault("runs", "read", "before", lambda: None),
        Fault("leases", "lives", "before", lambda: None),
        Fault("batches", "get", "before", lambda: None),
    ]
    jobs = [job_of(batch, n) for n in range(5)]
    assert admitted(with_faults(ports, reads), batch, *jobs) == [Admission.RUN] * 5
    assert sum(it.calls for it in reads) == 0


@pytest.mark.parametrize("doubt", [{"delivery": 2}, {"attempt": 2}], ids=["redelivered", "again"])
def test_a_doubtful_message_looks_at_what_is_settled_first(
    ports: Ports, batch: Batch, doubt: dict[str, Any]
) -> None:
    ports.runs.settle(batch, [ok(batch, 0)])
    jobs = [job_of(batch, 0, **doubt), job_of(batch, 1, **doubt)]
    assert admitted(ports, batch, *jobs) == [Admission.SETTLED, Admission.RUN]


def test_from_the_third_delivery_on_a_record_runs_alone(ports: Ports, batch: Batch) -> None:
    jobs = [job_of(batch, 0, delivery=n) for n in (1, 2, 3, 4, 19)]
    assert admitted(ports, batch, *jobs) == [Admission.RUN] * 2 + [Admission.ALONE] * 3


def test_a_message_that_was_published_again_goes_on_counting(ports: Ports, batch: Batch) -> None:
    """Or a record that kills its processes would do so twice for each message of it."""
    counts = [(1, 2), (2, 2), (1, 3)]
    jobs = [job_of(batch, n, delivery=own, attempt=first) for n, (own, first) in enumerate(counts)]
    assert admitted(ports, batch, *jobs) == [Admission.RUN, Admission.ALONE, Admission.ALONE]


def test_what_somebody_else_is_at_is_left_to_them(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    until = clock.now() + 60
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, until, "somebody")])
    assert admitted(ports, batch, job_of(batch, 0, delivery=2)) == [Admission.LEASED]
    clock.pass_(61)
    assert admitted(ports, batch, job_of(batch, 0, delivery=2)) == [Admission.RUN]


def test_a_lease_of_this_very_process_does_not_hinder_it(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    held = live(batch, 0, RunState.RUNNING, clock.now() + 60, ports.owner)
    ports.leases.hold(batch, [held])
    assert admitted(ports, batch, job_of(batch, 0, delivery=2)) == [Admission.RUN]


def test_what_waits_is_left_to_its_time_even_when_it_is_due(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, clock.now() - 1)])
    assert admitted(ports, batch, job_of(batch, 0, attempt=2)) == [Admission.LEASED]


def test_what_was_tried_before_keeps_count_of_it(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    before: Live = live(batch, 0, RunState.WAITING, clock.now())
    ports.leases.wait(batch, [before])
    ports.leases.wake(batch, clock.now(), clock.now() + 60, 10)
    job = job_of(batch, 0, attempt=2)
    assert admitted(ports, batch, job) == [Admission.RUN]
    assert (job.attempts, job.rate_limited) == (before.attempts, before.rate_limited)
    assert (job.started_at, job.seconds) == (before.started_at, before.seconds)
    assert job.leased, "settling it must end what it left behind"


def test_messages_of_a_stopped_batch_and_of_another_generation_are_dropped(
    ports: Ports, batch: Batch
) -> None:
    assert admitted(ports, batch, job_of(batch, 0, generation=2)) == [Admission.DROPPED]
    stopped = cancel(ports, batch.id)
    assert admitted(ports, stopped, job_of(batch, 0), job_of(batch, 1)) == [Admission.DROPPED] * 2


# ----------------------------------------------------- decode and resolve


def test_a_body_that_is_no_run_s_message_is_refused() -> None:
    for body in (b"", b"{}", b'{"v":2,"batch_id":"batch-aaaaaaaaaaaaaaaa","index":0}'):
        with pytest.raises(MessageInvalid):
            decode(Delivery(Station.RUNS, body, 1, "1"))


def test_each_attempt_gets_a_record_of_its_own(ports: Ports, batch: Batch) -> None:
    (record,) = ports.batches.records(batch.id, 2, 3)
    delivery = Delivery(Station.RUNS, encode_run(batch.id, 1, record), 1, "1")
    job = Job(delivery, decode(delivery), batch, puppet)
    first = resolve(ports, job)
    assert (first, job.key) == (RECORDS[2], "key-2")
    first["n"].append("spoiled by the flow")
    job.attempts = 1
    assert resolve(ports, job) == RECORDS[2]


def test_a_large_record_is_fetched_from_its_page(home: Home, ports: Ports) -> None:
    large = {"id": "large", "text": "x" * MAX_INLINE_BYTES}
    batch = fanned_out(ports, home.create([{"n": 0}, large], PUPPET))
    message = runs_taken(ports)[1]
    assert message.record is None
    job = job_of(batch, 1)
    for attempt in range(2):
        job.attempts = attempt
        assert resolve(ports, job) == large
    assert job.key == "large"


def test_a_record_the_batch_does_not_have_is_said_so(ports: Ports, batch: Batch) -> None:
    with pytest.raises(MessageInvalid, match="has no record 99"):
        resolve(ports, job_of(batch, 99))


# --------------------------------------------------------------- conclude


def raised(blame: Blame) -> Raised:
    return Raised(Failure(blame, "Trouble", "a message"))


def tried(batch: Batch, attempts: int = 1, retries: int = 2) -> Job:
    job = job_of(batch, 0)
    job.batch = replace(batch, options=batch.options.model_copy(update={"retries": retries}))
    job.attempts = attempts
    return job


def test_a_result_becomes_a_run_with_what_is_known_of_it(ports: Ports, batch: Batch) -> None:
    job = tried(batch, attempts=2)
    job.key, job.seconds, job.started_at = "key-0", 0.5, 7.0
    run = conclude(ports, job, Returned('"done"'))
    assert isinstance(run, Run)
    assert (run.index, run.key, run.attempts, run.generation) == (0, "key-0", 2, 1)
    assert (run.seconds, run.started_at, run.ended_at) == (0.5, 7.0, ports.clock.now())
    assert run.flow_version == puppet.version
    assert isinstance(run.outcome, Succeeded)
    assert run.outcome.output.text == '"done"'


def test_an_error_is_tried_again_until_the_attempts_are_used_up(ports: Ports, batch: Batch) -> None:
    for attempts in (1, 2):
        assert isinstance(conclude(ports, tried(batch, attempts), raised(Blame.ERROR)), Again)
    last = conclude(ports, tried(batch, 3), raised(Blame.ERROR))
    assert isinstance(last, Run)
    assert isinstance(last.outcome, Failed)
    assert last.attempts == 3


def test_a_batch_may_say_how_often_instead_of_the_flow(ports: Ports, batch: Batch) -> None:
    assert isinstance(conclude(ports, tried(batch, retries=0), TimedOut(1.0)), Run)
    assert isinstance(conclude(ports, tried(batch, 100, retries=100), TimedOut(1.0)), Again)


def test_being_told_to_slow_down_burns_no_attempt(ports: Ports, batch: Batch) -> None:
    job = tried(batch, attempts=1, retries=0)
    for told in range(1, 51):
        again = conclude(ports, job, raised(Blame.RATE_LIMITED))
        assert isinstance(again, Again)
        assert (job.attempts, job.rate_limited) == (0, told)
        job.attempts += 1
    run = conclude(ports, job, Returned("1"))
    assert isinstance(run, Run)
    assert run.attempts == 1


def test_a_large_output_goes_to_blobs_and_is_the_same_one_when_repeated(
    ports: Ports, batch: Batch
) -> None:
    text = '"' + "x" * MAX_INLINE_OUTPUT_BYTES + '"'
    runs = [conclude(ports, tried(batch), Returned(text)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert isinstance(runs[0], Run)
    assert isinstance(runs[0].outcome, Succeeded)
    value = runs[0].outcome.output
    assert value.text is None
    assert value.blob is not None
    assert b"".join(ports.blobs.read(value.blob)).decode() == text


def test_a_lease_says_all_that_must_outlive_the_process(batch: Batch) -> None:
    job = tried(batch, attempts=2)
    job.rate_limited, job.started_at, job.seconds = 3, 7.0, 0.5
    held = live_of(job, RunState.RUNNING, 99.0, "me")
    assert held == Live(batch.id, 0, 1, RunState.RUNNING, 99.0, "me", 2, 3, 7.0, 0.5)


# --------------------------------------------------------------- catch_up


def test_catching_up_publishes_what_the_dead_one_had_released(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=1))
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0)])
    ports.frontier.advance(batch, "token", 0, [], ports.clock.now())  # and died
    catch_up(ports, batch, [job_of(batch, 3, delivery=2)])
    assert runs_taken(ports) == [], "it was not this one's release"
    catch_up(ports, batch, [job_of(batch, 0, delivery=2)])
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(1, True)]


def test_catching_up_fills_the_place_of_a_run_that_was_put_to_wait(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=1))
    runs_taken(ports)
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, clock.now() + 60)])  # and died
    catch_up(ports, batch, [job_of(batch, 0, delivery=2)])
    assert [it.index for it in runs_taken(ports)] == [1]


def test_catching_up_ends_a_batch_whose_fatal_run_was_settled_only(
    ports: Ports, batch: Batch
) -> None:
    fatal = Failed(Failure(Blame.FATAL, "Fatal", "the account is closed"))
    ports.runs.settle(batch, [replace(failed(batch, 0), outcome=fatal)])  # and died
    catch_up(ports, batch, [job_of(batch, 0, delivery=2)])
    assert not ports.batches.get(batch.id).is_open


def test_catching_up_what_was_done_changes_nothing(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=2))
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0)])
    for expected in ([2], [], []):
        catch_up(ports, batch, [job_of(batch, 0, delivery=2)])
        assert [it.index for it in runs_taken(ports)] == expected
