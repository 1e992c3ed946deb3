"""Money: counted with the records, exactly, and bounded by `max_spend`. On both engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import RunMessage
from fanfold.domain.money import nanodollars
from fanfold.domain.run import Run, RunState
from fanfold.errors import OptionInvalid
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.budget import end_if_overspent
from fanfold.steps.change import change
from fanfold.steps.expenses import expenses_of
from fanfold.steps.retry import Selection, retry
from fanfold.steps.run_flow import Job, admit, live_of
from fanfold.steps.status import status_of
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, ok
from fanfold.testing.home import Home
from fanfold.testing.puppet import puppet
from fanfold.testing.stations import fanned_out, finalizations_taken, finalized
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"


@pytest.fixture
def create(home: Home, ports: Ports) -> Any:
    def create(**options: Any) -> Batch:
        return fanned_out(ports, home.create([{"n": n} for n in range(10)], PUPPET, **options))

    return create


def costing(run: Run, dollars: float) -> Run:
    return replace(run, spent=nanodollars(dollars))


def settle(ports: Ports, batch: Batch, runs: list[Run]) -> Batch:
    ports.runs.settle(batch, runs)
    end_if_overspent(ports, batch, runs)
    return ports.batches.get(batch.id)


def test_what_records_cost_adds_up_exactly_and_is_closed_with_them(
    ports: Ports, create: Any
) -> None:
    batch = create()
    runs = [costing(ok(batch, index), 0.1) for index in range(9)]
    settle(ports, batch, [*runs, costing(failed(batch, 9), 0.1)])
    assert ports.runs.spent(batch.id) == nanodollars(1.0)
    assert ports.runs.read(batch.id, [9])[9].spent == nanodollars(0.1)
    settle(ports, batch, runs)  # delivered again
    ended = finalized(ports, batch)
    assert ended.closed is not None
    assert ended.closed.spent == nanodollars(1.0)
    assert ended.certificate is not None
    assert ended.certificate.holds


def test_with_more_than_it_may_spend_the_rest_is_skipped(ports: Ports, create: Any) -> None:
    batch = create(max_spend=1.0)
    four = [costing(ok(batch, index), 0.25) for index in range(4)]
    assert settle(ports, batch, four).state is BatchState.RUNNING
    stopped = settle(ports, batch, [costing(ok(batch, 4), 0.000_000_001)])
    assert stopped.state is BatchState.CANCELING
    assert len(finalizations_taken(ports)) == 1
    ended = finalized(ports, batch)
    assert ended.failure is not None
    assert ended.failure.message == "$1.00 has been spent, and max_spend is $1.00"
    assert ended.closed is not None
    assert (ended.state, ended.closed.succeeded, ended.closed.skipped) == (
        BatchState.FAILED, 5, 5,
    )  # fmt: skip


def test_a_budget_comes_with_a_limit(ports: Ports, create: Any) -> None:
    assert ports.batches.get(create(max_spend=1.0).id).options.concurrency == 100
    assert ports.batches.get(create(max_spend=1.0, concurrency=7).id).options.concurrency == 7
    assert ports.batches.get(create(max_spend=1.0, canary=3).id).options.concurrency == 100
    assert ports.batches.get(create(max_spend=1.0, rate="60/min").id).options.concurrency == 20


def test_what_costs_nothing_does_not_look_at_the_counters(ports: Ports, create: Any) -> None:
    batch = create(max_spend=0)
    runs = [ok(batch, 0), failed(batch, 1)]
    ports.runs.settle(batch, runs)
    end_if_overspent(ports, replace(batch, id="batch-nosuchbatchthere"), runs)


def test_a_budget_may_be_changed_and_one_that_is_spent_already_ends_the_batch(
    ports: Ports, create: Any
) -> None:
    batch = create()
    settle(ports, batch, [costing(ok(batch, 0), 2.0)])
    assert change(ports, batch.id, {"max_spend": 2.0}).is_open
    assert change(ports, batch.id, {"max_spend": None}).options.max_spend is None
    change(ports, batch.id, {"max_spend": 1.99})
    assert ports.batches.get(batch.id).state is BatchState.CANCELING


def test_what_was_spent_stays_when_records_run_again(ports: Ports, create: Any) -> None:
    batch = create(max_spend=1.0)
    settle(ports, batch, [costing(failed(batch, 0), 1.5)])
    finalized(ports, batch)
    every = Selection(states=frozenset({RunState.FAILED, RunState.SKIPPED}))
    with pytest.raises(OptionInvalid, match=r"\$1\.50 of \$1\.00 has been spent already"):
        retry(ports, batch.id, every)
    again = fanned_out(ports, retry(ports, batch.id, every, {"max_spend": 2.0}).batch)
    after = settle(ports, again, [costing(ok(again, 0), 0.5)])
    assert after.state is BatchState.RUNNING
    assert status_of(ports, batch.id).tally.spent == nanodollars(2.0)
    assert settle(ports, again, [costing(ok(again, 1), 0.01)]).state is BatchState.CANCELING


def test_what_a_waiting_run_has_cost_is_with_it_when_it_comes_again(
    ports: Ports, create: Any, clock: StillClock
) -> None:
    batch = create()
    message = RunMessage(batch_id=batch.id, index=0)
    job = Job(Delivery(Station.RUNS, b"", 1, "token"), message, batch, puppet, spent=70)
    ports.leases.wait(batch, [live_of(job, RunState.WAITING, clock.now() + 1, None)])
    clock.pass_(2)
    ports.leases.wake(batch, clock.now(), clock.now() + 60, 10)
    again = Job(Delivery(Station.RUNS, b"", 2, "token"), message, batch, puppet)
    admit(ports, EMBEDDED, batch, [again])
    assert again.spent == 70


def test_what_the_services_take_is_told_where_they_are_paid(ports: Ports, create: Any) -> None:
    batch = create(max_spend=5.0)
    settle(ports, batch, [costing(ok(batch, index), 0.2) for index in range(10)])
    status = status_of(ports, batch.id)
    on_a_desk = expenses_of(status, on_google=False)
    assert (on_a_desk.spent, on_a_desk.max_spend, on_a_desk.services) == (2.0, 5.0, None)
    paid = expenses_of(status, on_google=True).services
    assert paid is not None
    assert 0.000_01 < paid < 0.01
