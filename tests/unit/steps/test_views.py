"""What a process remembers of a batch, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import Flow, FlowRef
from fanfold.errors import BatchNotFound, FlowNotFound
from fanfold.ports import Ports
from fanfold.steps.policy import Policy
from fanfold.steps.stop import cancel
from fanfold.steps.views import Views
from fanfold.testing.conformance.rig import new_batch
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.puppet import puppet
from fanfold.testing.working import until

#: for ever, and not at all
OLD, YOUNG = Policy(view_seconds=3600.0), Policy(view_seconds=0.0)


class Findable:
    """A flow that is found, or not, as the test says."""

    def __init__(self, *, problem: str = "") -> None:
        self.problem = problem
        self.asked = 0

    def resolve(self, ref: FlowRef) -> Flow:
        self.asked += 1
        if self.problem:
            raise FlowNotFound(f"{ref.name}: {self.problem}")
        return puppet


@pytest.fixture
def batch(ports: Ports) -> Batch:
    return new_batch(ports)


def test_a_batch_is_read_once_while_its_view_is_young_enough(ports: Ports, batch: Batch) -> None:
    reads = Fault("batches", "get", "before", lambda: None)
    views = Views(with_faults(ports, [reads]), OLD, Findable())
    for _ in range(100):
        assert views.of(batch.id).batch == batch
    assert reads.calls == 1


def test_a_view_shows_a_stop_once_it_is_too_old(ports: Ports, batch: Batch) -> None:
    views = Views(ports, replace(OLD, view_seconds=0.05), Findable())
    assert views.of(batch.id).batch.is_open
    cancel(ports, batch.id)
    until(lambda: views.of(batch.id).batch.state is BatchState.CANCELING, patience=10)


def test_a_flow_is_found_once(ports: Ports, batch: Batch) -> None:
    flows = Findable()
    views = Views(ports, YOUNG, flows)
    assert [views.of(batch.id).flow for _ in range(5)] == [puppet] * 5
    assert flows.asked == 1


def test_a_flow_that_cannot_be_loaded_is_said_and_looked_for_again_later(
    ports: Ports, batch: Batch
) -> None:
    flows = Findable(problem="flows.py is gone")
    views = Views(ports, YOUNG, flows)
    view = views.of(batch.id)
    assert view.flow is None
    assert "flows.py is gone" in view.problem
    flows.problem = ""
    assert views.of(batch.id).flow is puppet


def test_a_flow_that_cannot_be_loaded_is_not_looked_for_with_every_message(
    ports: Ports, batch: Batch
) -> None:
    flows = Findable(problem="flows.py is gone")
    views = Views(ports, OLD, flows)
    for _ in range(100):
        assert views.of(batch.id).flow is None
    assert flows.asked == 1


def test_a_module_that_raises_anything_at_all_is_no_more_than_a_problem(
    ports: Ports, batch: Batch
) -> None:
    class Exploding:
        def resolve(self, ref: FlowRef) -> Flow:
            raise ZeroDivisionError(ref.name)

    assert "ZeroDivisionError" in Views(ports, YOUNG, Exploding()).of(batch.id).problem


def test_a_batch_that_is_gone_is_said_so(ports: Ports) -> None:
    with pytest.raises(BatchNotFound):
        Views(ports, YOUNG, Findable()).of("batch-aaaaaaaaaaaaaaaa")


def test_only_so_many_batches_are_remembered(ports: Ports) -> None:
    batches = [new_batch(ports) for _ in range(100)]
    reads = Fault("batches", "get", "before", lambda: None)
    views = Views(with_faults(ports, [reads]), OLD, Findable())
    for batch in batches:
        views.of(batch.id)
    views.of(batches[-1].id)
    assert reads.calls == 100
    views.of(batches[0].id)
    assert reads.calls == 101
