"""What happens to a batch is told, in numbered events, whoever dies. On both engines."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal

import pytest

from fanfold.domain.announce import MAX_EVENTS, MAX_MESSAGE, REPORTER_SECONDS
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import FinalizationMessage
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.domain.run import RunState
from fanfold.errors import EngineError
from fanfold.execution.library import Library
from fanfold.ports import MAX_DELIVERIES, Delivery, Ports, Station
from fanfold.steps.ask import Duty, generation_of
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.finalize import finalize
from fanfold.steps.fold_again import fold_again
from fanfold.steps.gathering import Gathering
from fanfold.steps.landing import Entry, Landing
from fanfold.steps.pause import pause
from fanfold.steps.report import report
from fanfold.steps.retry import Selection, retry
from fanfold.steps.stop import cancel
from fanfold.steps.sweep import Memory, sweep
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.heard import Heard, with_listener
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out, finalized, runs_taken
from fanfold.testing.working import work
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"
FOLDED = "tests.e2e.flows:shout"
RECORDS: list[Any] = [{"n": n} for n in range(6)]
FAILED = Selection(states=frozenset({RunState.FAILED}), what="--failed")
SECOND = EMBEDDED.progress_seconds


@pytest.fixture
def told(ports: Ports) -> tuple[Ports, Heard]:
    return with_listener(ports)


def started(home: Home, ports: Ports, **options: Any) -> Batch:
    return fanned_out(ports, home.create(RECORDS, PUPPET, **options))


def landing_of(ports: Ports, duty: Duty) -> Landing[int]:
    return Landing(ports, Gathering(EMBEDDED), duty, finish=lambda _: None, give_up=lambda _: None)


def ended(ports: Ports, batch: Batch, bad: int = 0) -> Batch:
    """All settled, the first ones failed, and finalized."""
    runs = [failed(batch, it) if it < bad else ok(batch, it) for it in range(len(RECORDS))]
    ports.runs.settle(batch, runs)
    return finalized(ports, batch)


# ------------------------------------------------------------ what is told


def test_a_batch_is_told_of_from_its_start_to_its_end(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    records = [*RECORDS, {"do": "permanent", "message": "no such page"}]
    batch = home.create(records, PUPPET, label="nightly")
    work(ports)
    assert [it for it in heard.kinds if it != "progress"] == [
        "started", "first_failure", "completed",
    ]  # fmt: skip
    first, failure, last = (it for it in heard.events if it.kind != "progress")
    assert heard.numbers == list(range(1, len(heard.events) + 1))
    assert {(it.batch_id, it.flow, it.label, it.generation) for it in heard.events} == {
        (batch.id, "puppet", "nightly", 1)
    }
    assert first.counts is None
    assert (failure.detail["record"], failure.detail["message"]) == (6, "no such page")
    assert last.counts is not None
    assert (last.counts.total, last.counts.succeeded, last.counts.failed) == (7, 6, 1)


def test_each_way_to_end_is_told_as_what_it_is(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, heard = told
    ended(ports, started(home, ports))
    ended(ports, started(home, ports), bad=len(RECORDS))
    canceled = started(home, ports)
    cancel(ports, canceled.id, "the price has changed")
    finalized(ports, canceled)
    late = started(home, ports, deadline=10.0)
    clock.pass_(11.0)
    sweep(ports, EMBEDDED, Memory())
    finalized(ports, late)
    ends = [it for it in heard.events if it.kind not in ("started", "first_failure", "progress")]
    assert [str(it.kind) for it in ends] == ["completed", "failed", "canceled", "expired"]
    assert ends[2].detail["reason"] == "the price has changed"


def test_a_retry_is_told_of_with_numbers_that_go_on(home: Home, told: tuple[Ports, Heard]) -> None:
    ports, heard = told
    batch = ended(ports, started(home, ports), bad=2)
    again = fanned_out(ports, retry(ports, batch.id, FAILED).batch)
    ports.runs.settle(again, [failed(again, 0), ok(again, 1)])
    finalized(ports, again)
    assert [(it.generation, str(it.kind)) for it in heard.events] == [
        (1, "started"), (1, "first_failure"), (1, "completed"),
        (2, "started"), (2, "first_failure"), (2, "completed"),
    ]  # fmt: skip
    assert heard.numbers == [1, 2, 3, 4, 5, 6]
    assert heard.events[3].detail == {"retry_of": "--failed"}


def test_a_retry_in_which_nothing_fails_has_no_failure_to_tell_of(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    """Those that failed before, and are kept, do not count."""
    ports, heard = told
    batch = ended(ports, started(home, ports), bad=2)
    only = Selection(ids=frozenset({0}), what="--ids")
    again = fanned_out(ports, retry(ports, batch.id, only).batch)
    ports.runs.settle(again, [ok(again, 0)])
    finalized(ports, again)
    assert heard.kinds[3:] == ["started", "completed"]


def test_a_fold_that_is_called_again_is_told_of(home: Home, told: tuple[Ports, Heard]) -> None:
    ports, heard = told
    batch = ended(ports, started(home, ports))
    fold_again(ports, batch, lambda results: len(list(results)))
    assert heard.kinds == ["started", "completed", "completed"]
    assert heard.numbers == [1, 2, 3]


# -------------------------------------------------------- the first failure


def test_of_all_failures_the_first_is_told_though_many_processes_settle_some(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    """Each knows the batch from before any has failed."""
    ports, heard = told
    batch = started(home, ports)
    for worker in range(2):
        duty = Duty()
        landing = landing_of(ports, duty)
        for index in (2 * worker, 2 * worker + 1):
            duty.take(generation_of(batch))
            landing.land([Entry(batch, failed(batch, index), index)])
    assert heard.kinds == ["started", "first_failure"]
    assert heard.events[1].detail["record"] == 0


def test_a_process_that_has_told_of_a_failure_writes_nothing_for_the_next(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, _ = told
    batch = started(home, ports)
    amends = Fault("batches", "amend", "before", lambda: None, nth=1000)
    duty = Duty()
    landing = landing_of(with_faults(ports, [amends]), duty)
    calls = []
    for index in range(3):
        duty.take(generation_of(batch))
        landing.land([Entry(batch, failed(batch, index), index)])
        calls.append(amends.calls)
    assert calls == [2, 2, 2], "announced, and noted that it was told"


def test_what_died_between_counting_a_failure_and_telling_of_it_is_told_at_the_end(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    ended(ports, started(home, ports), bad=1)
    assert heard.kinds == ["started", "first_failure", "completed"]
    assert heard.events[1].detail["record"] == 0
    assert heard.events[1].detail["type"]


def test_a_record_whose_message_is_worn_out_counts_as_a_failure(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    started(home, ports)
    body = ports.queue.pull(Station.RUNS, 1)[0].body
    worn = Delivery(Station.DEAD_LETTERS, body, MAX_DELIVERIES, "token", Station.RUNS, "id")
    dead_letter(ports, worn)
    assert heard.kinds == ["started", "first_failure"]


def test_a_failure_that_comes_too_late_to_be_counted_is_not_told(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    batch = started(home, ports)
    cancel(ports, batch.id)
    finalized(ports, batch)
    duty = Duty()
    duty.take(generation_of(batch))
    landing = landing_of(ports, duty)
    landing.land([Entry(batch, failed(batch, 0), 0)])
    assert heard.kinds == ["started", "canceled"]


def test_a_long_message_is_cut(home: Home, told: tuple[Ports, Heard]) -> None:
    ports, heard = told
    batch = started(home, ports)
    long = replace(failed(batch, 0), outcome=Failed(Failure(Blame.ERROR, "ValueError", "x" * 9000)))
    ports.runs.settle(batch, [long, *(ok(batch, it) for it in range(1, len(RECORDS)))])
    finalized(ports, batch)
    assert len(heard.events[1].detail["message"]) == MAX_MESSAGE


# ------------------------------------------------------- whoever dies


def dies_at_the_end_of(ports: Ports, batch: Batch, when: Literal["before", "after"]) -> Any:
    """Around telling that it has ended; the message that comes again."""
    ports.runs.settle(batch, [ok(batch, it) for it in range(len(RECORDS))])
    dies = with_faults(ports, [Fault("events", "publish", when, lose_reply)])
    message = FinalizationMessage(batch_id=batch.id)
    with pytest.raises(EngineError):
        finalize(dies, EMBEDDED, Library(), message)
    return message


def test_an_end_that_could_not_be_told_is_told_by_its_message_when_that_comes_again(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    batch = started(home, ports)
    message = dies_at_the_end_of(ports, batch, "before")
    assert ports.batches.get(batch.id).state is BatchState.COMPLETED
    assert heard.kinds == ["started"]
    finalize(ports, EMBEDDED, Library(), message, repeated=True)
    assert heard.kinds == ["started", "completed"]
    finalize(ports, EMBEDDED, Library(), message, repeated=True)
    assert heard.kinds == ["started", "completed"], "what is known to be told is told once"


def test_what_is_told_again_has_the_number_that_it_had(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    batch = started(home, ports)
    message = dies_at_the_end_of(ports, batch, "after")
    finalize(ports, EMBEDDED, Library(), message, repeated=True)
    assert heard.numbers == [1, 2, 2]
    assert heard.events[1] == heard.events[2]


def test_a_start_that_could_not_be_told_holds_up_nothing_and_is_told_by_the_sweep(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    dies = with_faults(ports, [Fault("events", "publish", "before", lose_reply)])
    batch = fanned_out(dies, home.create(RECORDS, PUPPET))
    assert batch.sealed
    assert heard.kinds == []
    sweep(ports, EMBEDDED, Memory())
    assert heard.kinds == ["started"]


def test_a_fan_out_that_comes_again_starts_nothing_anew(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    batch = started(home, ports)
    fanned_out(ports, batch)
    assert heard.kinds == ["started"]


def test_where_nobody_can_listen_events_are_kept_and_nothing_is_written_for_telling(
    home: Home, told: tuple[Ports, Heard]
) -> None:
    ports, heard = told
    heard.go_out = False
    batch = ended(ports, started(home, ports))
    assert [str(it.kind) for it in batch.events] == ["started", "completed"]
    assert (batch.announced, batch.told) == (2, 0)
    assert heard.events == []


# ------------------------------------------------------------- progress


def test_progress_is_told_no_more_than_once_a_second_though_two_look(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, heard = told
    other = replace(ports, owner="another")
    batch = started(home, ports)
    for index in range(5):
        ports.runs.settle(batch, [ok(batch, index)])
        for _ in range(4):
            clock.pass_(SECOND / 4)
            for it in (ports, other):
                report(it, EMBEDDED, it.batches.get(batch.id))
    progress = [it for it in heard.events if it.kind == "progress"]
    assert [it.counts.succeeded for it in progress if it.counts] == [1, 2, 3, 4, 5]
    times = [it.at for it in progress]
    assert all(later - before >= SECOND for before, later in pairwise(times))


def test_two_that_look_at_the_same_time_tell_once(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, heard = told
    batch = started(home, ports)
    clock.pass_(SECOND)
    ports.runs.settle(batch, [ok(batch, 0)])
    seen = ports.batches.get(batch.id)
    for owner in ("one", "two"):
        report(replace(ports, owner=owner), EMBEDDED, seen)
    assert heard.kinds == ["started", "progress"]


def test_where_nothing_has_changed_nothing_is_told(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, heard = told
    batch = started(home, ports)
    for _ in range(3):
        clock.pass_(SECOND)
        report(ports, EMBEDDED, ports.batches.get(batch.id))
    assert heard.kinds == ["started", "progress"]


def test_whoever_does_not_tell_of_it_reads_no_counters(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    """Only the reporter pays for them, also while nothing changes."""
    ports, heard = told
    batch = started(home, ports)
    other = with_faults(
        replace(ports, owner="another"), [Fault("runs", "tally", "before", lose_reply)]
    )
    for _ in range(int(2 * REPORTER_SECONDS / SECOND)):
        clock.pass_(SECOND)
        report(ports, EMBEDDED, ports.batches.get(batch.id))
        report(other, EMBEDDED, ports.batches.get(batch.id))
    assert heard.kinds == ["started", "progress"]


def test_when_its_reporter_is_gone_another_takes_over(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, heard = told
    other = replace(ports, owner="another")
    batch = started(home, ports)
    clock.pass_(SECOND)
    report(ports, EMBEDDED, ports.batches.get(batch.id))
    ports.runs.settle(batch, [ok(batch, 0)])
    clock.pass_(REPORTER_SECONDS - 1)
    report(other, EMBEDDED, ports.batches.get(batch.id))
    assert heard.kinds == ["started", "progress"]
    clock.pass_(1)
    report(other, EMBEDDED, ports.batches.get(batch.id))
    assert heard.kinds == ["started", "progress", "progress"]


def test_a_paused_batch_makes_no_progress(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, heard = told
    batch = started(home, ports)
    pause(ports, batch.id)
    clock.pass_(SECOND)
    report(ports, EMBEDDED, ports.batches.get(batch.id))
    assert heard.kinds == ["started"]


def test_the_sweep_tells_of_progress_where_no_worker_looks(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, heard = told
    batch = started(home, ports)
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0)])
    clock.pass_(SECOND)
    sweep(ports, EMBEDDED, Memory())
    assert heard.kinds == ["started", "progress"]


# ---------------------------------------------------------- what is kept


def test_of_progress_only_the_last_is_kept_and_no_more_events_than_some(
    home: Home, told: tuple[Ports, Heard], clock: StillClock
) -> None:
    ports, _ = told
    batch = started(home, ports)
    for index in range(3):
        clock.pass_(SECOND)
        ports.runs.settle(batch, [ok(batch, index)])
        report(ports, EMBEDDED, ports.batches.get(batch.id))
    kept = ports.batches.get(batch.id).events
    assert [(it.sequence, str(it.kind)) for it in kept] == [(1, "started"), (4, "progress")]
    ports.runs.settle(batch, [failed(batch, 3), *(ok(batch, it) for it in (4, 5))])
    batch = finalized(ports, batch)
    for _ in range(MAX_EVENTS):
        batch = fanned_out(ports, retry(ports, batch.id, FAILED).batch)
        ports.runs.settle(batch, [failed(batch, 3)])
        batch = finalized(ports, batch)
    assert len(batch.events) == MAX_EVENTS
    assert batch.events[-1].sequence == batch.announced == 6 + 3 * MAX_EVENTS
