"""A batch that comes after others: it begins when they have ended, or is skipped, whoever dies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import FanOutMessage, FinalizationMessage
from fanfold.domain.options import BatchOptions
from fanfold.domain.run import RunState
from fanfold.errors import Conflict, EngineError, IllegalTransition, OptionInvalid
from fanfold.execution.library import Library
from fanfold.ports import Ports, Station
from fanfold.sources.iterable import from_iterable
from fanfold.steps.change import change
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.fan_out import fan_out
from fanfold.steps.finalize import finalize
from fanfold.steps.pause import pause, resume
from fanfold.steps.prune import prune_one
from fanfold.steps.retry import Selection, retry
from fanfold.steps.status import reason_of, status_of
from fanfold.steps.stop import cancel, wind_down
from fanfold.steps.sweep import Memory, go_round, sweep
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.stations import (
    fan_outs_taken,
    fanned_out,
    finalizations_taken,
    finalized,
    finished,
    taken,
)
from fanfold.testing.working import work, worker_of
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

ALL = Selection(states=frozenset({RunState.FAILED, RunState.CANCELED, RunState.SKIPPED}))
NOBODY = "batch-zzzzzzzzzzzzzzzz"


def create(ports: Ports, *after: Batch, request_id: str | None = None, **options: Any) -> Batch:
    """Of two records."""
    ref = Library().find("echo").ref
    given = {"after": [it.id for it in after], **options}
    request = BatchRequest(ref, BatchOptions(**given), "test", request_id)
    return create_batch(ports, request, lambda: from_iterable([1, 2], name="test"))


def ended(ports: Ports, batch: Batch, how: str = "ok") -> Batch:
    """Run to its end; what that asks for lies at the stations."""
    batch = fanned_out(ports, batch)
    if how == "canceled":
        cancel(ports, batch.id)
    runs = [failed(batch, n) if how == "failed" else ok(batch, n) for n in range(2)]
    batch = finished(ports, batch, runs)
    finalizations_taken(ports)
    return batch


def now(ports: Ports, batch: Batch) -> Batch:
    return ports.batches.get(batch.id)


def asked_to_begin(ports: Ports) -> set[str]:
    return {it.batch_id for it in fan_outs_taken(ports)}


def begun(ports: Ports, batch: Batch) -> bool:
    """Whether it begins, now that somebody asks for it."""
    fan_out(ports, FanOutMessage(batch_id=batch.id), lambda: False)
    return now(ports, batch).followed


@pytest.fixture
def first(ports: Ports) -> Batch:
    return create(ports)


@pytest.fixture
def second(ports: Ports, first: Batch) -> Batch:
    fan_outs_taken(ports)
    return create(ports, first)


def test_it_is_stored_at_once_and_nothing_of_it_is_begun(ports: Ports, second: Batch) -> None:
    assert (second.state, second.source.records) == (BatchState.PENDING, 2)
    assert asked_to_begin(ports) == set()
    assert not begun(ports, second), "anybody may ask"
    assert now(ports, second) == second
    assert list(ports.batches.records(second.id, 0, 2)) == []


def test_it_says_what_it_waits_for(ports: Ports, first: Batch, second: Batch) -> None:
    status = status_of(ports, second.id)
    assert [it.id for it in status.waits_for] == [first.id]
    assert reason_of(status) == f"it waits for {first.id}, which is pending"
    third = create(ports, first, second)
    assert reason_of(status_of(ports, third.id)) == (
        f"it waits for {first.id}, which is pending, and 1 more"
    )
    ended(ports, first)
    status = status_of(ports, second.id)
    assert (status.waits_for, reason_of(status)) == ((), None)


def test_it_begins_when_the_last_of_them_has_completed(ports: Ports, first: Batch) -> None:
    other = create(ports)
    both = create(ports, first, other)
    fan_outs_taken(ports)
    ended(ports, first)
    assert asked_to_begin(ports) == set()
    ended(ports, other)
    assert asked_to_begin(ports) == {both.id}
    assert begun(ports, both)


def test_created_after_they_have_ended_it_begins_at_once(ports: Ports, first: Batch) -> None:
    ended(ports, first)
    second = create(ports, first)
    assert asked_to_begin(ports) == {second.id}
    assert begun(ports, second)


@pytest.mark.parametrize(
    ("how", "told"), [("failed", "failed"), ("canceled", "was canceled")], ids=str
)
def test_it_is_skipped_when_one_ends_otherwise_and_says_so(
    ports: Ports, first: Batch, second: Batch, how: str, told: str
) -> None:
    ended_batch = fanned_out(ports, first)
    if how == "canceled":
        cancel(ports, first.id)
    finished(ports, ended_batch, [failed(ended_batch, n) for n in range(2)])
    assert asked_to_begin(ports) == set()
    assert second.id in {it.batch_id for it in finalizations_taken(ports)}
    skipped = finalized(ports, second)
    assert skipped.state is BatchState.SKIPPED
    reason = f"it comes after {first.id}, which {told}"
    assert reason_of(status_of(ports, second.id)) == reason
    assert skipped.failure is not None
    assert skipped.failure.message == reason
    assert skipped.events[-1].kind == "skipped"
    assert skipped.certificate is not None
    assert skipped.certificate.holds


def test_created_after_one_that_has_failed_it_is_skipped_at_once(
    ports: Ports, first: Batch
) -> None:
    ended(ports, first, "failed")
    assert create(ports, first).state is BatchState.PENDING
    (asked,) = finalizations_taken(ports)
    second = ports.batches.get(asked.batch_id)
    assert finalized(ports, second).state is BatchState.SKIPPED


def test_a_skip_is_passed_on(ports: Ports, first: Batch, second: Batch) -> None:
    third = create(ports, second)
    anyway = create(ports, second, after_on="end")
    ended(ports, first, "failed")
    finalized(ports, second)
    assert [it.batch_id for it in finalizations_taken(ports)] == [third.id]
    assert finalized(ports, third).ending == rules.Ending(
        BatchState.SKIPPED, f"it comes after {second.id}, which was skipped"
    )
    assert asked_to_begin(ports) == {anyway.id}


@pytest.mark.parametrize("how", ["ok", "failed", "canceled"])
def test_after_any_end_it_begins_however_that_was(ports: Ports, first: Batch, how: str) -> None:
    second = create(ports, first, after_on="end")
    fan_outs_taken(ports)
    ended(ports, first, how)
    assert asked_to_begin(ports) == {second.id}
    assert begun(ports, second)


def test_a_chain_runs_from_its_first_to_its_last(ports: Ports, first: Batch) -> None:
    second = create(ports, first)
    third = create(ports, second)
    work(ports)
    chain = [now(ports, it) for it in (first, second, third)]
    assert {it.state for it in chain} == {BatchState.COMPLETED}
    for before, after in pairwise(chain):
        assert before.ended_at is not None
        assert after.started_at is not None
        assert before.ended_at <= after.started_at


def test_a_worker_until_idle_does_not_wait_for_what_waits_for_what_is_paused(
    ports: Ports, first: Batch, second: Batch
) -> None:
    pause(ports, first.id)
    work(ports)
    assert now(ports, second) == second
    ports.batches.amend(first.id, rules.resume)
    assert not worker_of(ports)._is_idle()


# ------------------------------------------------------------ who may, and which


def test_what_it_is_to_come_after_must_be_there(ports: Ports) -> None:
    with pytest.raises(OptionInvalid, match=f"^after: there is no batch {NOBODY} here$"):
        create(ports, after=[NOBODY])
    assert ports.batches.find() == []


def test_what_one_may_not_see_is_not_there(ports: Ports, first: Batch, second: Batch) -> None:
    ref = Library().find("echo").ref
    request = BatchRequest(ref, BatchOptions(after=[first.id]), "test")
    with pytest.raises(OptionInvalid, match=f"there is no batch {first.id} here"):
        create_batch(ports, request, lambda: from_iterable([1], name="test"), sees=lambda _: False)
    with pytest.raises(OptionInvalid, match=f"there is no batch {first.id} here"):
        change(ports, second.id, {"after": [first.id]}, lambda _: False)


def test_a_request_that_was_met_is_met_though_those_are_gone(ports: Ports, first: Batch) -> None:
    second = create(ports, first, request_id="once")
    ended(ports, first)
    begun(ports, second)
    ports.batches.forget(first.id)
    assert create(ports, first, request_id="once").id == second.id


def test_what_is_pruned_has_ended_as_it_did(ports: Ports, first: Batch) -> None:
    other = create(ports)
    ended(ports, first)
    ended(ports, other, "failed")
    for it in (first, other):
        prune_one(ports, it.id)
    fan_outs_taken(ports)
    good, bad = create(ports, first), create(ports, other)
    assert asked_to_begin(ports) == {good.id}
    assert now(ports, bad).state is BatchState.CANCELING


# ------------------------------------------------------------ changes


def test_it_may_come_after_another_one_as_long_as_it_waits(
    ports: Ports, first: Batch, second: Batch
) -> None:
    other = create(ports)
    change(ports, second.id, {"after": [other.id]})
    fan_outs_taken(ports)
    ended(ports, first, "failed")
    assert now(ports, second).is_open
    ended(ports, other)
    assert asked_to_begin(ports) == {second.id}
    begun(ports, second)
    with pytest.raises(IllegalTransition, match="waits for no other batch"):
        change(ports, second.id, {"after": [first.id]})


@pytest.mark.parametrize("changes", [{"after": []}, {"after_on": "end", "after": None}])
def test_a_change_that_makes_it_due_lets_it_begin(
    ports: Ports, first: Batch, changes: dict[str, Any]
) -> None:
    third = create(ports, first, create(ports))
    ended(ports, first, "ok")
    fan_outs_taken(ports)
    change(ports, third.id, {**changes, "after": changes["after"] or []})
    assert asked_to_begin(ports) == {third.id}


def test_a_change_that_has_it_miss_one_skips_it(ports: Ports, first: Batch, second: Batch) -> None:
    other = create(ports)
    ended(ports, other, "failed")
    change(ports, second.id, {"after": [first.id, other.id]})
    assert now(ports, second).state is BatchState.CANCELING


def test_nobody_comes_after_themselves(ports: Ports, first: Batch, second: Batch) -> None:
    third = create(ports, second)
    for after, chain in (
        ([third.id], f"{second.id} → {third.id} → {second.id}"),
        ([first.id, second.id], f"{second.id} → {second.id}"),
    ):
        with pytest.raises(OptionInvalid, match=f"^after: {chain}: it would wait for itself$"):
            change(ports, second.id, {"after": after})
    assert now(ports, second) == second


def test_nor_after_one_that_would_wait_for_it_if_it_were_run_again(
    ports: Ports, second: Batch
) -> None:
    third = create(ports, second)
    cancel(ports, third.id)
    finalized(ports, third)
    with pytest.raises(OptionInvalid, match="it would wait for itself"):
        change(ports, second.id, {"after": [third.id]})


def test_of_two_changes_at_once_that_have_them_wait_for_each_other_one_is_taken_back(
    ports: Ports, first: Batch, second: Batch
) -> None:
    third = create(ports, first)

    def meanwhile() -> None:
        ports.batches.amend(
            third.id,
            lambda it: replace(it, options=BatchOptions(after=[second.id])),
        )

    between = with_faults(ports, [Fault("batches", "amend", "before", meanwhile)])
    with pytest.raises(OptionInvalid, match="it would wait for itself"):
        change(between, second.id, {"after": [third.id]})
    assert now(ports, second).options.after == [first.id]


@pytest.mark.parametrize("value", ["last", [7], ["last"]])
def test_a_change_to_what_is_no_batch_is_refused(ports: Ports, second: Batch, value: Any) -> None:
    with pytest.raises(OptionInvalid, match=r"^after: "):
        change(ports, second.id, {"after": value})


# ------------------------------------------------------------ in somebody's hand


def test_what_waits_can_be_canceled(ports: Ports, first: Batch, second: Batch) -> None:
    cancel(ports, second.id)
    assert finalized(ports, second).state is BatchState.CANCELED
    ended(ports, first)
    assert asked_to_begin(ports) == set()


def test_with_grace_as_well_for_nothing_of_it_runs(ports: Ports, second: Batch) -> None:
    assert wind_down(ports, second.id, 60).state is BatchState.CANCELING


def test_paused_and_resumed_it_waits_on(ports: Ports, first: Batch, second: Batch) -> None:
    assert pause(ports, second.id).state is BatchState.PAUSED
    assert not begun(ports, second)
    assert resume(ports, second.id) == second
    assert resume(ports, second.id) == second
    assert asked_to_begin(ports) == set()
    ended(ports, first)
    assert asked_to_begin(ports) == {second.id}


def test_what_they_came_to_while_it_was_paused_is_seen(ports: Ports, first: Batch) -> None:
    good, bad = create(ports, first), create(ports, first, create(ports))
    for it in (good, bad):
        pause(ports, it.id)
    fan_outs_taken(ports)
    ended(ports, first)
    assert asked_to_begin(ports) == {good.id}
    taken(ports, Station.RUNS)
    assert begun(ports, good)
    assert now(ports, good).state is BatchState.PAUSED
    assert taken(ports, Station.RUNS) == []


def test_its_deadline_counts_from_its_creation(
    ports: Ports, clock: StillClock, first: Batch
) -> None:
    second = create(ports, first, deadline=60)
    clock.pass_(59)
    go_round(ports, EMBEDDED)
    sweep(ports, EMBEDDED, Memory())
    assert now(ports, second) == second
    clock.pass_(2)
    go_round(ports, EMBEDDED)
    assert finalized(ports, second).state is BatchState.EXPIRED


# ------------------------------------------------------------ running again


def test_skipped_it_can_be_run_again_once_that_one_has_completed(
    ports: Ports, first: Batch, second: Batch
) -> None:
    ended(ports, first, "failed")
    finalized(ports, second)
    refused = f"it comes after {first.id}, which failed. .* `fanfold retry {first.id} --failed`"
    with pytest.raises(Conflict, match=refused):
        retry(ports, second.id, ALL)
    retry(ports, first.id, ALL)
    again = retry(ports, second.id, ALL).batch
    assert (again.state, again.generation) == (BatchState.PENDING, 2)
    assert [it.id for it in status_of(ports, second.id).waits_for] == [first.id]
    work(ports)
    done = now(ports, second)
    assert done.state is BatchState.COMPLETED
    assert done.closed is not None
    assert done.closed.succeeded == done.total == 2


def test_skipped_once_more_its_records_are_counted(
    ports: Ports, first: Batch, second: Batch
) -> None:
    ended(ports, first, "failed")
    finalized(ports, second)
    retry(ports, first.id, ALL)
    retry(ports, second.id, ALL)
    cancel(ports, first.id)
    finalized(ports, now(ports, first))
    done = finalized(ports, now(ports, second))
    assert (done.state, done.generation) == (BatchState.SKIPPED, 2)
    assert done.closed is not None
    assert (done.closed.skipped, done.total) == (2, 2)


def test_what_has_begun_once_is_run_again_whatever_has_become_of_them(
    ports: Ports, first: Batch, second: Batch
) -> None:
    ended(ports, first)
    fan_outs_taken(ports)
    done = ended(ports, second, "failed")
    retry(ports, first.id, Selection(ids=frozenset({0})))
    cancel(ports, first.id)
    finalized(ports, now(ports, first))
    fan_outs_taken(ports)
    retry(ports, done.id, ALL)
    assert asked_to_begin(ports) == {second.id}


def test_one_that_is_run_again_has_not_ended(ports: Ports, first: Batch) -> None:
    other = create(ports)
    third = create(ports, first, other)
    ended(ports, first)
    retry(ports, first.id, Selection(ids=frozenset({0})))
    fan_outs_taken(ports)
    ended(ports, other)
    assert asked_to_begin(ports) == set()
    assert not begun(ports, third)
    again = fanned_out(ports, now(ports, first))
    finished(ports, again, [ok(again, 0)])
    assert asked_to_begin(ports) == {third.id}


# ------------------------------------------------------------ crashes


def broken(ports: Ports, port: str, verb: str, when: Any) -> Ports:
    return with_faults(ports, [Fault(port, verb, when, lose_reply)])


def test_who_ends_between_the_store_and_the_look_is_seen_by_it(ports: Ports, first: Batch) -> None:
    """Its end looks for those that wait before there is one."""
    first = fanned_out(ports, first)
    ports.runs.settle(first, [ok(first, n) for n in range(2)])

    def meanwhile() -> None:
        finalized(ports, first)

    create(with_faults(ports, [Fault("batches", "create", "before", meanwhile)]), first)
    assert len(asked_to_begin(ports)) == 1


def test_a_creation_that_died_before_it_looked_is_made_up_for(ports: Ports, first: Batch) -> None:
    """By whoever ends last, by the same request, or by the sweep."""
    with pytest.raises(EngineError):
        create(broken(ports, "batches", "create", "after"), first, request_id="once")
    (second,) = [it for it in ports.batches.find() if it.id != first.id]
    ended(ports, first)
    assert asked_to_begin(ports) == {second.id}
    create(ports, first, request_id="once")
    assert asked_to_begin(ports) == {second.id}
    assert sweep(ports, EMBEDDED, Memory()).fan_outs == 1
    assert asked_to_begin(ports) == {second.id}


@pytest.mark.parametrize("how", ["ok", "failed"])
@pytest.mark.parametrize(
    "fault",
    [("batches", "followers", "before"), ("batches", "followers", "after"), None],
    ids=["not looked", "looked", "not asked"],
)
def test_an_end_that_died_before_it_brought_them_on_does_so_when_it_is_delivered_again(
    ports: Ports, first: Batch, second: Batch, how: str, fault: tuple[str, ...] | None
) -> None:
    first = fanned_out(ports, first)
    outcome: Callable[..., Any] = ok if how == "ok" else failed
    ports.runs.settle(first, [outcome(first, n) for n in range(2)])
    message = FinalizationMessage(batch_id=first.id)
    dying = broken(ports, *(fault or ("queue", "publish", "before")))
    with pytest.raises(EngineError):
        finalize(dying, EMBEDDED, Library(), message)
    assert now(ports, first).ended
    assert asked_to_begin(ports) == set()
    for _ in range(2):
        finalize(ports, EMBEDDED, Library(), message, repeated=True)
        if how == "ok":
            assert asked_to_begin(ports) == {second.id}
            continue
        for it in fan_outs_taken(ports):  # who finds it stopped asks for its end
            assert isinstance(it, FanOutMessage)
            fan_out(ports, it, lambda: False)
        assert now(ports, second).state is BatchState.CANCELING


def test_a_skip_that_died_before_it_asked_is_asked_for_again(
    ports: Ports, first: Batch, second: Batch
) -> None:
    first = fanned_out(ports, first)
    ports.runs.settle(first, [failed(first, n) for n in range(2)])
    message = FinalizationMessage(batch_id=first.id)
    with pytest.raises(EngineError):
        finalize(broken(ports, "queue", "publish", "before"), EMBEDDED, Library(), message)
    assert now(ports, second).state is BatchState.CANCELING
    work_off = FanOutMessage(batch_id=second.id)
    finalize(ports, EMBEDDED, Library(), message, repeated=True)
    assert fan_outs_taken(ports) == [work_off]
    fan_out(ports, work_off, lambda: False)
    assert [it.batch_id for it in finalizations_taken(ports)] == [second.id]


@pytest.mark.parametrize("how", ["ok", "failed"])
def test_the_sweep_is_the_net_under_it(ports: Ports, first: Batch, how: str) -> None:
    ended(ports, first, how)
    with pytest.raises(EngineError):
        create(broken(ports, "batches", "create", "after"), first)
    (second,) = [it for it in ports.batches.find() if it.id != first.id]
    swept = sweep(ports, EMBEDDED, Memory())
    assert (swept.fan_outs, swept.asked) == ((1, 0) if how == "ok" else (0, 1))
    assert now(ports, second).state is (BatchState.PENDING if how == "ok" else BatchState.CANCELING)


def test_what_it_comes_after_can_change_between_the_look_and_the_begin(
    ports: Ports, first: Batch, second: Batch
) -> None:
    other = create(ports)
    ended(ports, first)

    def meanwhile() -> None:
        change(ports, second.id, {"after": [other.id]})

    between = with_faults(ports, [Fault("batches", "amend", "before", meanwhile)])
    message = FanOutMessage(batch_id=second.id)
    with pytest.raises(EngineError, match="comes after others than it did"):
        fan_out(between, message, lambda: False)
    assert not begun(ports, second)
    ended(ports, other)
    assert begun(ports, second)


def test_what_waits_is_not_stuck(
    ports: Ports, clock: StillClock, second: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory()
    for _ in range(3):
        sweep(ports, EMBEDDED, memory)
        clock.pass_(EMBEDDED.stuck_seconds + 1)
    told = [it for it in caplog.records if second.id in str(vars(it))]
    assert not [it for it in told if "stuck" in str(vars(it))]
