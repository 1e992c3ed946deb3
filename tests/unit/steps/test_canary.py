"""A canary: the first records run alone; the rest follows, or waits for somebody to look."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.event import EventKind
from fanfold.domain.messages import FanOutMessage
from fanfold.domain.run import RunState
from fanfold.ports import Ports
from fanfold.steps.advance import advance
from fanfold.steps.fan_out import fan_out
from fanfold.steps.pause import pause, resume
from fanfold.steps.retry import Selection, retry
from fanfold.steps.sweep import Memory, sweep
from fanfold.testing.conformance.rig import failed, ok
from fanfold.testing.home import Home
from fanfold.testing.stations import after, fanned_out, finalized, runs_taken
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"


@pytest.fixture
def create(home: Home, ports: Ports) -> Any:
    def create(records: int = 40, **options: Any) -> Batch:
        return fanned_out(ports, home.create([{"n": n} for n in range(records)], PUPPET, **options))

    return create


def settle(ports: Ports, batch: Batch, good: list[int], bad: list[int] | None = None) -> Batch:
    """And let go of what follows."""
    runs = [ok(batch, index) for index in good] + [failed(batch, index) for index in bad or []]
    ports.runs.settle(batch, runs)
    advance(ports, batch, runs[-1].index)
    return ports.batches.get(batch.id)


def indexes(ports: Ports) -> list[int]:
    return sorted(it.index for it in runs_taken(ports))


def test_the_canary_runs_alone_and_when_all_of_it_succeeded_the_rest_follows(
    ports: Ports, create: Any
) -> None:
    batch = create(canary=5)
    assert indexes(ports) == [0, 1, 2, 3, 4]
    settle(ports, batch, [0, 1, 2, 3])
    assert indexes(ports) == []
    proven = settle(ports, batch, [4])
    assert (proven.state, proven.proven) == (BatchState.RUNNING, True)
    assert indexes(ports) == list(range(5, 40))


def test_one_that_fails_pauses_the_batch_until_somebody_resumes_it(
    ports: Ports, create: Any
) -> None:
    batch = create(canary=5)
    indexes(ports)
    held = settle(ports, batch, [0, 1, 2], [3, 4])
    assert (held.state, held.is_held) == (BatchState.PAUSED, True)
    assert held.held.startswith("2 of the first 5 records failed")
    assert indexes(ports) == []
    kinds = [it.kind for it in held.events]
    assert kinds.count(EventKind.HELD) == 1
    advance(ports, held, 4)  # a message that comes again
    assert [it.kind for it in ports.batches.get(batch.id).events] == kinds
    resumed = resume(ports, batch.id)
    assert (resumed.held, indexes(ports)) == ("", list(range(5, 40)))


def test_a_canary_keeps_the_limit_and_has_one_in_any_case(ports: Ports, create: Any) -> None:
    batch = create(canary=5, concurrency=2)
    assert indexes(ports) == [0, 1]
    settle(ports, batch, [0])
    assert indexes(ports) == [2]
    assert create(canary=5).options.concurrency == 10_000
    assert create(canary=5, rate="1/s").options.concurrency == 20


def test_one_that_is_all_there_is_holds_back_nothing(ports: Ports, create: Any) -> None:
    batch = create(records=5, canary=5)
    settle(ports, batch, [0, 1, 2, 3], [4])
    assert finalized(ports, batch).state is BatchState.COMPLETED


def test_it_is_judged_also_while_the_source_is_read(home: Home, ports: Ports) -> None:
    records = [{"n": n} for n in range(1100)]
    batch = home.create(records, PUPPET, canary=500)
    fan_out(ports, FanOutMessage(batch_id=batch.id), after(1))
    batch = ports.batches.get(batch.id)
    assert (batch.sealed, batch.positions, len(indexes(ports))) == (False, 500, 500)
    assert settle(ports, batch, list(range(499)), [499]).is_held
    fan_out(ports, FanOutMessage(batch_id=batch.id), lambda: False)
    assert indexes(ports) == []
    resume(ports, batch.id)
    assert len(indexes(ports)) == 600


def test_of_a_shuffled_batch_it_is_any_records(ports: Ports, create: Any) -> None:
    create(canary=5, shuffle=True, seed=7)
    chosen = indexes(ports)
    assert len(chosen) == 5
    assert chosen != [0, 1, 2, 3, 4]


def test_who_paused_it_by_hand_and_resumes_it_goes_on_with_the_canary(
    ports: Ports, create: Any
) -> None:
    batch = create(canary=5)
    indexes(ports)
    pause(ports, batch.id)
    settle(ports, batch, [0, 1, 2, 3], [4])
    assert not ports.batches.get(batch.id).is_held
    assert resume(ports, batch.id).is_held
    assert indexes(ports) == []


def test_who_settles_the_last_of_it_by_an_old_view_judges_it_all_the_same(
    ports: Ports, create: Any
) -> None:
    batch = create(canary=5)
    indexes(ports)
    view = pause(ports, batch.id)
    resume(ports, batch.id)
    settle(ports, view, [0, 1, 2, 3, 4])
    assert indexes(ports) == list(range(5, 40))


def test_the_sweep_judges_what_nobody_lived_to_judge(ports: Ports, create: Any) -> None:
    batch = create(canary=5)
    indexes(ports)
    ports.runs.settle(batch, [ok(batch, index) for index in range(5)])
    sweep(ports, EMBEDDED, Memory())
    assert ports.batches.get(batch.id).proven
    assert set(indexes(ports)) >= set(range(5, 40))


def test_a_retry_has_none_unless_it_is_given_one(ports: Ports, create: Any) -> None:
    batch = create(canary=5)
    indexes(ports)
    settle(ports, batch, [], list(range(5)))
    resume(ports, batch.id)
    settle(ports, ports.batches.get(batch.id), list(range(5, 10)), list(range(10, 40)))
    finalized(ports, batch)
    every = Selection(states=frozenset({RunState.FAILED}))
    indexes(ports)
    again = fanned_out(ports, retry(ports, batch.id, every, {"canary": 2}).batch)
    assert indexes(ports) == [0, 1]
    assert settle(ports, again, [0], [1]).is_held
    resume(ports, batch.id)
    settle(ports, again, [2, 3, 4], list(range(10, 40)))
    finalized(ports, again)
    indexes(ports)
    fanned_out(ports, retry(ports, batch.id, every).batch)
    assert len(indexes(ports)) == 31
