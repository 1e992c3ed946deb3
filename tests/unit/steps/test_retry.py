"""A batch that has ended runs again for some of its records: the others' results are kept, nothing
is counted twice, and nothing late of an older generation lands. On both engines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import FanOutMessage, PageMessage
from fanfold.domain.run import Run, RunState
from fanfold.domain.settling import Verdict
from fanfold.domain.tally import Counts
from fanfold.errors import BatchPruned, BlobNotFound, Conflict, Contended
from fanfold.execution.library import Library
from fanfold.ports import Ports
from fanfold.steps.ask import ask
from fanfold.steps.fan_out import fan_out, publish_page
from fanfold.steps.pause import pause, resume
from fanfold.steps.policy import Policy
from fanfold.steps.prune import prune_one
from fanfold.steps.retry import Retried, Selection, retry
from fanfold.steps.status import status_of, verify
from fanfold.steps.stop import cancel
from fanfold.steps.sweep import Memory, sweep
from fanfold.steps.views import Views
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, live, ok
from fanfold.testing.home import Home
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
FAILED = Selection(states=frozenset({RunState.FAILED}), what="--failed")
CANCELED = Selection(states=frozenset({RunState.CANCELED}), what="--canceled")
RECORDS: list[Any] = [{"n": n} for n in range(20)]


@pytest.fixture
def create(home: Home, ports: Ports) -> Any:
    def create(**options: Any) -> Batch:
        batch = fanned_out(ports, home.create(RECORDS, PUPPET, **options))
        runs_taken(ports)
        return batch

    return create


def settled(ports: Ports, batch: Batch, good: Iterable[int], bad: Iterable[int]) -> Batch:
    runs = [ok(batch, it) for it in good] + [failed(batch, it) for it in bad]
    ports.runs.settle(batch, runs)
    ask(ports, batch)
    return ports.batches.get(batch.id)


def ended(ports: Ports, create: Any, bad: Iterable[int] = (3, 4, 17), **options: Any) -> Batch:
    """Twenty records, of which these have failed."""
    batch = create(**options)
    settled(ports, batch, set(range(20)) - set(bad), bad)
    finalizations_taken(ports)
    return finalized(ports, batch)


def again(ports: Ports, retried: Retried) -> tuple[Batch, list[int]]:
    """Fanned out; which records have messages."""
    batch = fanned_out(ports, retried.batch)
    messages = runs_taken(ports)
    assert all(it.generation == batch.generation for it in messages)
    return batch, sorted(it.index for it in messages)


def counts(ports: Ports, batch: Batch) -> Counts:
    it = status_of(ports, batch.id).counts
    parts = it.queued + it.running + it.waiting + it.settled
    assert it.total == parts == 20
    return it


# ------------------------------------------------------------ one generation after the other


def test_only_the_chosen_run_again_and_good_results_are_kept(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    retried = retry(ports, before.id, FAILED)
    assert retried.records == 3
    batch, messages = again(ports, retried)
    assert messages == [3, 4, 17]
    assert (batch.state, batch.generation) == (BatchState.RUNNING, 2)
    it = counts(ports, batch)
    assert (it.queued + it.running, it.succeeded, it.failed) == (3, 17, 0)
    settled(ports, batch, [3, 4], [17])
    assert [it.generation for it in finalizations_taken(ports)] == [2]
    after = finalized(ports, batch)
    it = counts(ports, after)
    assert (it.succeeded, it.failed) == (19, 1)
    assert after.state is BatchState.COMPLETED
    assert after.certificate is not None
    assert after.certificate.holds
    assert after.certificate.whole
    assert verify(ports, after.id).holds
    runs = ports.runs.read(after.id, range(20))
    assert {index for index, run in runs.items() if run.generation == 2} == {3, 4, 17}


def test_it_is_retried_again_and_again(ports: Ports, create: Any) -> None:
    batch = ended(ports, create)
    for generation, bad in ((2, [3, 17]), (3, [17]), (4, [])):
        batch, messages = again(ports, retry(ports, batch.id, FAILED))
        assert batch.generation == generation
        settled(ports, batch, set(messages) - set(bad), bad)
        batch = finalized(ports, batch)
        assert counts(ports, batch).failed == len(bad)
        assert batch.certificate is not None
        assert batch.certificate.holds
    assert [(it.generation, it.failed) for it in batch.past] == [(1, 3), (2, 2), (3, 1)]
    tally = ports.runs.tally(batch.id)
    assert not tally.errors
    assert sum(tally.durations.values()) == 20


@pytest.mark.parametrize("concurrency", [None, 2])
def test_with_a_limit_no_more_than_that_is_let_go(
    ports: Ports, create: Any, concurrency: int | None
) -> None:
    before = ended(ports, create)
    retried = retry(ports, before.id, FAILED, {"concurrency": concurrency})
    _, messages = again(ports, retried)
    assert messages == ([3, 4, 17] if concurrency is None else [3, 4])


def test_a_limited_retry_of_a_limited_batch_begins_with_a_window_of_its_own(
    ports: Ports, create: Any
) -> None:
    before = ended(ports, create, concurrency=5)
    batch, messages = again(ports, retry(ports, before.id, FAILED))
    assert messages == [3, 4, 17]
    assert ports.frontier.window(batch.id).released == 3


def test_the_order_of_a_shuffled_batch_is_shuffled(ports: Ports, create: Any) -> None:
    before = ended(ports, create, bad=range(1, 20), shuffle=True, seed=7)
    batch = fanned_out(ports, retry(ports, before.id, FAILED).batch)
    messages = [it.index for it in runs_taken(ports)]
    assert sorted(messages) == list(range(1, 20))
    assert messages != sorted(messages)
    assert batch.order


def test_what_nobody_selects_changes_nothing(ports: Ports, create: Any) -> None:
    before = ended(ports, create, bad=())
    assert retry(ports, before.id, FAILED) == Retried(before, 0)


# ------------------------------------------------------------ what may be chosen


def test_failures_are_chosen_by_their_fingerprint(ports: Ports, create: Any) -> None:
    batch = create()
    odd = failed(batch, 5, "of another kind", "KeyError")
    ports.runs.settle(batch, [odd, *(failed(batch, it) for it in range(3))])
    settled(ports, batch, set(range(20)) - {0, 1, 2, 5}, [])
    finalized(ports, batch)
    (fingerprint,) = (
        it.fingerprint for it in ports.runs.tally(batch.id).errors.values() if it.type == "KeyError"
    )
    _, messages = again(ports, retry(ports, batch.id, Selection(errors=frozenset({fingerprint}))))
    assert messages == [5]


def test_records_are_chosen_by_their_index_whatever_became_of_them(
    ports: Ports, create: Any
) -> None:
    before = ended(ports, create)
    chosen = Selection(ids=frozenset({0, 3, 99}))
    batch, messages = again(ports, retry(ports, before.id, chosen))
    assert messages == [0, 3]
    assert counts(ports, batch).succeeded == 16


def test_of_several_conditions_all_must_hold(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    chosen = replace(FAILED, ids=frozenset({0, 3, 4}), where=lambda run: run.index != 4)
    _, messages = again(ports, retry(ports, before.id, chosen))
    assert messages == [3]


def test_what_was_canceled_in_the_queue_is_run_after_all(ports: Ports, create: Any) -> None:
    batch = create()
    settled(ports, batch, range(5), [5])
    cancel(ports, batch.id)
    stopped = finalized(ports, batch)
    assert counts(ports, stopped).canceled == 14
    batch, messages = again(ports, retry(ports, batch.id, CANCELED))
    assert messages == list(range(6, 20))
    settled(ports, batch, messages, [])
    after = finalized(ports, batch)
    assert (after.state, counts(ports, after).succeeded) == (BatchState.COMPLETED, 19)
    assert after.certificate is not None
    assert after.certificate.holds
    assert after.certificate.whole


def test_a_batch_that_was_stopped_stays_so_while_records_are_left_undone(
    ports: Ports, create: Any
) -> None:
    batch = create()
    settled(ports, batch, range(5), [5])
    cancel(ports, batch.id)
    finalized(ports, batch)
    batch, messages = again(ports, retry(ports, batch.id, FAILED))
    assert messages == [5]
    settled(ports, batch, [5], [])
    after = finalized(ports, batch)
    assert (after.state, counts(ports, after).canceled) == (BatchState.CANCELED, 14)
    assert verify(ports, after.id).holds


def test_a_retry_that_is_canceled_counts_the_rest_as_canceled(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    batch, _ = again(ports, retry(ports, before.id, FAILED))
    settled(ports, batch, [3], [])
    cancel(ports, batch.id)
    after = finalized(ports, batch)
    it = counts(ports, after)
    assert (it.succeeded, it.failed, it.canceled) == (18, 0, 2)
    assert verify(ports, after.id).holds


# ------------------------------------------------------------ what changes with it


def test_options_are_other_ones_from_then_on(ports: Ports, create: Any, clock: StillClock) -> None:
    before = ended(ports, create, deadline=50.0, parameters={"model": "small"})
    changes = {"parameters": {"model": "large"}, "deadline": 9.0}
    it = retry(ports, before.id, FAILED, changes).batch
    assert it.options.parameters == {"model": "large"}
    assert it.deadline_at == clock.now() + 9.0


def test_without_another_deadline_there_is_none(ports: Ports, create: Any) -> None:
    before = ended(ports, create, deadline=50.0)
    it = retry(ports, before.id, FAILED).batch
    assert (it.deadline_at, it.options.deadline) == (None, None)


def test_todays_flow_is_the_batchs_from_then_on(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    today = replace(before.flow, version="mended")
    it = retry(ports, before.id, FAILED, flow=today).batch
    assert (it.flow.version, it.past[-1].flow_version) == ("mended", before.flow.version)


# ------------------------------------------------------------ what must not happen


def test_a_late_result_of_an_older_generation_is_refused(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    batch, _ = again(ports, retry(ports, before.id, FAILED))
    late = ports.runs.settle(before, [ok(before, 3)])
    assert [*late, *ports.runs.settle(before, [ok(before, 3), ok(before, 0)])].count(
        Verdict.COUNTED
    ) == 0
    assert late == [Verdict.LATE]
    assert counts(ports, batch).succeeded == 17
    assert ports.runs.settle(batch, [ok(batch, 3)]) == [Verdict.COUNTED]
    assert ports.runs.settle(batch, [ok(batch, 3)]) == [Verdict.ALREADY]


def test_nothing_is_published_before_what_was_there_is_removed(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    batch = retry(ports, before.id, FAILED).batch
    assert batch.positions == 0
    pause(ports, batch.id)
    resume(ports, batch.id)
    assert all(isinstance(it, FanOutMessage) for it in fan_outs_taken(ports))
    assert set(ports.runs.read(batch.id, range(20))) == set(range(20))


def test_removing_again_does_not_touch_what_has_been_settled_anew(
    ports: Ports, create: Any
) -> None:
    before = ended(ports, create)
    batch, _ = again(ports, retry(ports, before.id, FAILED))
    ports.runs.settle(batch, [ok(batch, 3)])
    ports.runs.clear(batch, [0, 3, 4])
    assert set(ports.runs.read(batch.id, range(5))) == {1, 2, 3}


def test_removing_goes_on_where_time_ran_out(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    batch = retry(ports, before.id, FAILED).batch
    message = FanOutMessage(batch_id=batch.id, generation=2)
    fan_outs_taken(ports)
    fan_out(ports, message, lambda: True)
    (handed_on, *rest) = fan_outs_taken(ports)
    if isinstance(handed_on, FanOutMessage):  # few fit into one go
        fan_out(ports, handed_on, lambda: False)
        rest = fan_outs_taken(ports)
    for it in [handed_on, *rest]:
        if isinstance(it, PageMessage):
            publish_page(ports, it)
    assert sorted(it.index for it in runs_taken(ports)) == [3, 4, 17]


def test_the_sweep_publishes_a_retry_whose_message_is_lost(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    before = ended(ports, create)
    retry(ports, before.id, FAILED)
    fan_outs_taken(ports)
    memory = Memory()
    sweep(ports, EMBEDDED, memory)
    clock.pass_(EMBEDDED.quiet_seconds + 1)
    sweep(ports, EMBEDDED, memory)
    (message,) = fan_outs_taken(ports)
    assert (message.generation, message.again) == (2, True)


def test_the_sweep_publishes_lost_runs_of_the_chosen_and_no_others(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    before = ended(ports, create)
    batch, _ = again(ports, retry(ports, before.id, FAILED))
    ports.runs.settle(batch, [ok(batch, 4)])
    memory = Memory()
    sweep(ports, EMBEDDED, memory)
    clock.pass_(EMBEDDED.quiet_seconds + 1)
    sweep(ports, EMBEDDED, memory)
    assert sorted(it.index for it in runs_taken(ports)) == [3, 17]


def test_what_waited_in_an_older_generation_is_not_woken_in_the_next(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    batch = create()
    settled(ports, batch, range(5), [5])
    until = clock.now() + 10.0
    ports.leases.wait(batch, [live(batch, 7, RunState.WAITING, until)])
    ports.leases.hold(batch, [live(batch, 8, RunState.RUNNING, until, "somebody")])
    cancel(ports, batch.id)
    finalized(ports, batch)
    batch, _ = again(ports, retry(ports, batch.id, FAILED))
    clock.pass_(60.0)
    assert ports.leases.wake(batch, clock.now(), clock.now() + 60.0, 10) == []
    assert counts(ports, batch).waiting == 0
    assert ports.leases.lives(batch.id, [7, 8]) == {}


def test_a_process_that_knows_the_older_generation_reads_it_anew(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    views = Views(ports, Policy(view_seconds=1e9), Library())
    assert views.of(before.id).batch.ended
    batch, _ = again(ports, retry(ports, before.id, FAILED))
    assert views.of(before.id, 1).batch.ended, "it need not know"
    assert views.of(before.id, batch.generation).batch.is_open


@pytest.mark.parametrize("state", [BatchState.RUNNING, BatchState.PAUSED])
def test_a_batch_that_has_not_ended_is_not_retried(
    ports: Ports, create: Any, state: BatchState
) -> None:
    batch = create()
    if state is BatchState.PAUSED:
        pause(ports, batch.id)
    with pytest.raises(Conflict, match=f"is {state}: what has ended can be retried"):
        retry(ports, batch.id, FAILED)


def test_a_batch_that_was_pruned_is_not_retried(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    prune_one(ports, before.id)
    with pytest.raises(BatchPruned):
        retry(ports, before.id, FAILED)


def test_pruning_removes_the_order_of_dispatch_too(ports: Ports, create: Any) -> None:
    before = ended(ports, create)
    batch, messages = again(ports, retry(ports, before.id, FAILED))
    settled(ports, batch, messages, [])
    finalized(ports, batch)
    assert list(ports.blobs.read(batch.order))
    prune_one(ports, batch.id)
    with pytest.raises(BlobNotFound):
        list(ports.blobs.read(batch.order))


def test_of_two_retries_at_once_one_opens_the_batch(ports: Ports, create: Any) -> None:
    before = ended(ports, create)

    def meanwhile(run: Run) -> bool:
        if ports.batches.get(before.id).ended:
            retry(ports, before.id, FAILED)
        return run.index == 3

    with pytest.raises((Conflict, Contended)):
        retry(ports, before.id, replace(FAILED, where=meanwhile))
    assert again(ports, Retried(ports.batches.get(before.id), 3))[1] == [3, 4, 17]


@pytest.mark.parametrize("cleared", [0, 1])
def test_a_retry_that_is_stopped_before_all_is_removed_adds_up(
    ports: Ports, create: Any, cleared: int
) -> None:
    before = ended(ports, create)
    batch = retry(ports, before.id, FAILED).batch
    ports.runs.clear(batch, [3, 4, 17][:cleared])
    cancel(ports, batch.id)
    after = finalized(ports, batch)
    it = counts(ports, after)
    assert (it.succeeded, it.failed, it.canceled) == (17, 0, 3)
    assert after.state is BatchState.CANCELED
    assert verify(ports, after.id).holds
