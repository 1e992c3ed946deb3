"""A batch in the hand: budgets, deadlines, pause, resume, options that change. On both engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import RunMessage
from fanfold.domain.options import BatchOptions
from fanfold.domain.run import RunState
from fanfold.domain.settling import Verdict
from fanfold.errors import IllegalTransition, OptionInvalid
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.budget import end_if_done, end_if_overdue, end_if_overspent
from fanfold.steps.change import change
from fanfold.steps.pause import pause, resume
from fanfold.steps.run_flow import Admission, Job, admit
from fanfold.steps.stop import cancel, wind_down
from fanfold.steps.sweep import Memory, sweep
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, live, ok
from fanfold.testing.home import Home
from fanfold.testing.puppet import puppet
from fanfold.testing.stations import (
    fan_outs_taken,
    fanned_out,
    finalizations_taken,
    finalized,
    runs_taken,
)
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS: list[Any] = [{"n": n} for n in range(100)]


@pytest.fixture
def create(home: Home, ports: Ports) -> Any:
    def create(records: int = 100, **options: Any) -> Batch:
        batch = home.create(RECORDS[:records], PUPPET, **options)
        return fanned_out(ports, batch)

    return create


def settle_failed(ports: Ports, batch: Batch, indexes: range) -> Batch:
    runs = [failed(batch, index) for index in indexes]
    ports.runs.settle(batch, runs)
    end_if_overspent(ports, batch, runs)
    return ports.batches.get(batch.id)


def job(batch: Batch, index: int = 0) -> Job:
    message = RunMessage(batch_id=batch.id, index=index)
    return Job(Delivery(Station.RUNS, b"", 1, "token"), message, batch, puppet)


def admission(ports: Ports, batch: Batch) -> Admission:
    ((_, found),) = admit(ports, EMBEDDED, batch, [job(batch)])
    return found


# ------------------------------------------------------------ budgets of failure


def test_without_a_budget_every_record_may_fail(ports: Ports, create: Any) -> None:
    assert settle_failed(ports, create(), range(99)).state is BatchState.RUNNING


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        ({"max_failures": 3}, 3),
        ({"max_failures": "3%"}, 3),
        ({"max_failures": "2.5%"}, 2),
        ({"max_failures": 0}, 0),
        ({"error_policy": "stop"}, 0),
    ],
)
def test_as_many_may_fail_as_the_budget_says_and_with_one_more_the_rest_is_skipped(
    ports: Ports, create: Any, options: dict[str, Any], allowed: int
) -> None:
    batch = create(**options)
    assert settle_failed(ports, batch, range(allowed)).state is BatchState.RUNNING
    finalizations_taken(ports)
    stopped = settle_failed(ports, batch, range(allowed, allowed + 1))
    assert stopped.state is BatchState.CANCELING
    assert len(finalizations_taken(ports)) == 1
    ended = finalized(ports, batch)
    closed = ended.closed
    assert closed is not None
    assert (ended.state, closed.failed, closed.skipped) == (
        BatchState.FAILED, allowed + 1, 99 - allowed,
    )  # fmt: skip
    assert ended.failure is not None
    assert f"{allowed + 1} record" in ended.failure.message
    assert admission(ports, ended) is Admission.DROPPED


def test_a_share_is_one_of_all_records_also_before_they_are_all_there(
    home: Home, ports: Ports
) -> None:
    """Of a hundred, two: not two of those paged so far."""
    batch = home.create(RECORDS, PUPPET, max_failures="2%")
    batch = ports.batches.amend(batch.id, lambda it: replace(it, state=BatchState.RUNNING))
    assert settle_failed(ports, batch, range(2)).is_open
    assert not settle_failed(ports, batch, range(2, 3)).is_open


def test_successes_do_not_look_at_the_counters(ports: Ports, create: Any) -> None:
    batch = create(max_failures=0)
    runs = [ok(batch, 0)]
    ports.runs.settle(batch, runs)
    end_if_overspent(ports, replace(batch, id="batch-nosuchbatchthere"), runs)


def test_two_budgets_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="give one of them"):
        BatchOptions(error_policy="stop", max_failures=3)


# ------------------------------------------------------------ deadlines


def test_when_the_deadline_has_passed_the_rest_is_skipped_and_results_are_kept(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    batch = create(deadline=60.0)
    ports.runs.settle(batch, [ok(batch, 0)])
    clock.pass_(59)
    assert not end_if_overdue(ports, batch)
    assert admission(ports, batch) is Admission.RUN
    clock.pass_(1)
    assert admission(ports, batch) is Admission.DROPPED
    ended = finalized(ports, batch)
    closed = ended.closed
    assert closed is not None
    assert (ended.state, closed.succeeded, closed.skipped) == (BatchState.EXPIRED, 1, 99)


def test_a_batch_that_nobody_works_on_ends_at_its_deadline_by_the_sweep(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    batch = create(deadline=60.0)
    clock.pass_(61)
    assert sweep(ports, EMBEDDED, Memory()).asked == 1
    assert ports.batches.get(batch.id).state is BatchState.CANCELING


# ------------------------------------------------------------ pause and resume


def test_a_paused_batch_without_a_limit_has_its_messages_acked_and_resuming_publishes_the_rest(
    ports: Ports, create: Any
) -> None:
    batch = create(10)
    assert len(runs_taken(ports)) == 10
    ports.runs.settle(batch, [ok(batch, 3)])
    paused = pause(ports, batch.id)
    assert paused.state is BatchState.PAUSED
    assert admission(ports, paused) is Admission.DROPPED
    assert not sweep(ports, EMBEDDED, Memory()), "it is quiet because it is paused"
    resume(ports, batch.id)
    publish_pages(ports)
    assert sorted(it.index for it in runs_taken(ports)) == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def publish_pages(ports: Ports) -> None:
    from fanfold.domain.messages import PageMessage
    from fanfold.steps.fan_out import publish_page

    for message in fan_outs_taken(ports):
        assert isinstance(message, PageMessage)
        publish_page(ports, message)


def test_whoever_has_an_old_view_of_a_paused_batch_looks_again_before_it_acks(
    ports: Ports, create: Any
) -> None:
    """Acked for a pause that is over it would be lost: nobody publishes it again."""
    batch = create(2)
    paused = pause(ports, batch.id)
    resume(ports, batch.id)
    assert admission(ports, paused) is Admission.RUN


def test_under_a_limit_what_was_released_finishes_and_nothing_more_is_released(
    ports: Ports, create: Any
) -> None:
    batch = create(10, concurrency=3)
    assert [it.index for it in runs_taken(ports)] == [0, 1, 2]
    paused = pause(ports, batch.id)
    assert admission(ports, paused) is Admission.RUN
    ports.runs.settle(paused, [ok(batch, 0), ok(batch, 1)])
    sweep(ports, EMBEDDED, Memory())
    assert runs_taken(ports) == []
    resume(ports, batch.id)
    assert [it.index for it in runs_taken(ports)] == [3, 4]


def test_what_is_paged_while_it_is_paused_is_published_when_it_is_resumed(
    home: Home, ports: Ports
) -> None:
    batch = home.create(RECORDS[:5], PUPPET)
    ports.batches.amend(batch.id, lambda it: replace(it, state=BatchState.RUNNING))
    pause(ports, batch.id)
    fanned_out(ports, batch)
    assert runs_taken(ports) == []
    resume(ports, batch.id)
    publish_pages(ports)
    assert len(runs_taken(ports)) == 5


def test_resuming_twice_does_no_harm(ports: Ports, create: Any) -> None:
    batch = create(3)
    pause(ports, batch.id)
    assert resume(ports, batch.id).state is BatchState.RUNNING
    assert resume(ports, batch.id).state is BatchState.RUNNING


def test_a_paused_batch_whose_last_record_is_settled_ends(ports: Ports, create: Any) -> None:
    batch = create(2)
    pause(ports, batch.id)
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
    assert sweep(ports, EMBEDDED, Memory()).asked == 1
    assert finalized(ports, batch).state is BatchState.COMPLETED


def test_what_has_ended_can_neither_be_paused_nor_resumed(ports: Ports, create: Any) -> None:
    batch = create(1)
    cancel(ports, batch.id)
    for step in (pause, resume):
        with pytest.raises(IllegalTransition, match="canceling"):
            step(ports, batch.id)


# ------------------------------------------------------------ a cancel with grace


def test_what_runs_may_finish_within_the_grace_and_nothing_else_begins(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    batch = create(4, concurrency=2)
    runs_taken(ports)
    winding = wind_down(ports, batch.id, 30.0)
    assert winding.state is BatchState.PAUSED
    clock.pass_(29)
    assert not end_if_overdue(ports, winding)
    assert ports.runs.settle(winding, [ok(batch, 0)]) == [Verdict.COUNTED]
    assert runs_taken(ports) == []
    clock.pass_(1)
    assert end_if_overdue(ports, winding)
    assert ports.runs.settle(winding, [ok(batch, 1)]) != [Verdict.ALREADY]
    ended = finalized(ports, batch)
    assert ended.state is BatchState.CANCELED
    closed = ended.closed
    assert closed is not None
    assert closed.succeeded + closed.canceled == 4
    assert ended.winding_down is None


def test_under_a_limit_a_grace_ends_when_nothing_runs_any_more(ports: Ports, create: Any) -> None:
    batch = create(4, concurrency=2)
    runs_taken(ports)
    winding = wind_down(ports, batch.id, 3600.0)
    ports.runs.settle(winding, [ok(batch, 0)])
    assert not end_if_done(ports, winding)
    ports.runs.settle(winding, [ok(batch, 1)])
    assert end_if_done(ports, winding)
    ended = finalized(ports, batch)
    assert ended.closed is not None
    assert (ended.closed.succeeded, ended.closed.canceled) == (2, 2)


def test_what_is_being_canceled_cannot_be_resumed_and_a_cancel_without_grace_is_at_once(
    ports: Ports, create: Any
) -> None:
    batch = create(2)
    wind_down(ports, batch.id, 30.0, "enough")
    with pytest.raises(IllegalTransition, match="being stopped: enough"):
        resume(ports, batch.id)
    stopped = cancel(ports, batch.id)
    assert stopped.state is BatchState.CANCELING
    assert stopped.ending is not None
    assert stopped.ending.reason == "enough"


def test_the_sooner_of_two_graces_holds(ports: Ports, create: Any, clock: StillClock) -> None:
    batch = create(2)
    wind_down(ports, batch.id, 30.0)
    wind_down(ports, batch.id, 300.0)
    winding = wind_down(ports, batch.id, 10.0)
    assert winding.winding_down is not None
    assert winding.winding_down.until == clock.now() + 10.0


# ------------------------------------------------------------ options that change


def test_a_higher_limit_is_filled_at_once_and_a_lower_one_as_runs_end(
    ports: Ports, create: Any
) -> None:
    batch = create(20, concurrency=2)
    assert len(runs_taken(ports)) == 2
    change(ports, batch.id, {"concurrency": 5})
    assert len(runs_taken(ports)) == 3
    changed = change(ports, batch.id, {"concurrency": 1})
    ports.runs.settle(changed, [ok(batch, index) for index in range(4)])
    sweep(ports, EMBEDDED, Memory())
    assert runs_taken(ports) == [], "one is in flight"
    ports.runs.settle(changed, [ok(batch, 4)])
    sweep(ports, EMBEDDED, Memory())
    assert len(runs_taken(ports)) == 1


def test_a_budget_that_is_spent_already_ends_the_batch(ports: Ports, create: Any) -> None:
    batch = create()
    settle_failed(ports, batch, range(5))
    assert change(ports, batch.id, {"max_failures": 5}).is_open
    change(ports, batch.id, {"max_failures": "4%"})
    assert ports.batches.get(batch.id).state is BatchState.CANCELING


def test_a_deadline_counts_from_now_and_may_be_taken_away(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    batch = create(deadline=10.0)
    clock.pass_(5)
    changed = change(ports, batch.id, {"deadline": 60.0})
    assert changed.deadline_at == clock.now() + 60.0
    clock.pass_(30)
    assert not end_if_overdue(ports, changed)
    assert change(ports, batch.id, {"deadline": None}).deadline_at is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"shuffle": True}, "shuffle cannot be changed"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_failures": "lots"}, "max_failures"),
        ({"error_policy": "stop", "max_failures": 3}, "give one of them"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    ports: Ports, create: Any, changes: dict[str, Any], says: str
) -> None:
    batch = create(concurrency=2)
    with pytest.raises(OptionInvalid, match=says):
        change(ports, batch.id, changes)
    assert ports.batches.get(batch.id).options == batch.options


def test_what_is_said_of_a_batch_may_be_changed_when_it_has_ended(
    ports: Ports, create: Any
) -> None:
    batch = cancel(ports, create(label="a").id)
    said = {"label": "b", "tags": ["x"], "managers": ["ann"], "monitors": ["bob"]}
    options = change(ports, batch.id, said).options
    assert {name: getattr(options, name) for name in said} == said
    with pytest.raises(IllegalTransition):
        change(ports, batch.id, {"label": "c", "max_failures": 3})
    with pytest.raises(OptionInvalid, match="tags"):
        change(ports, batch.id, {"tags": ["x"] * 51})
    assert ports.batches.get(batch.id).options == options


def test_a_limit_cannot_be_given_to_a_batch_without_one_nor_taken_away(
    ports: Ports, create: Any
) -> None:
    with pytest.raises(IllegalTransition, match="without a limit"):
        change(ports, create(3).id, {"concurrency": 5})
    with pytest.raises(IllegalTransition, match="with a limit"):
        change(ports, create(3, concurrency=2).id, {"concurrency": None})


def test_what_has_ended_cannot_be_changed(ports: Ports, create: Any) -> None:
    batch = create(1)
    cancel(ports, batch.id)
    with pytest.raises(IllegalTransition, match="cannot change any more"):
        change(ports, batch.id, {"max_failures": 3})


def test_a_run_that_waits_while_its_batch_is_paused_goes_on_when_it_is_resumed(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    batch = create(2)
    runs_taken(ports)
    waiting = live(batch, 0, RunState.WAITING, clock.now() + 5)
    ports.leases.wait(batch, [waiting])
    pause(ports, batch.id)
    clock.pass_(10)
    assert not sweep(ports, EMBEDDED, Memory())
    assert runs_taken(ports) == []
    resume(ports, batch.id)
    publish_pages(ports)
    runs_taken(ports)
    assert sweep(ports, EMBEDDED, Memory()).woken == 1
    assert [it.index for it in runs_taken(ports)] == [0]
