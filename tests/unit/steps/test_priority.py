"""The class of a batch goes with all that is published of its runs, on both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.messages import RunMessage
from fanfold.domain.priority import Priority
from fanfold.domain.run import RunState
from fanfold.errors import EngineError
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.advance import advance, repair
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.resurrect import resurrect
from fanfold.steps.wake import wake_due
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import live, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out, runs_taken
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS = [{"n": n} for n in range(5)]


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def home(tmp_path: Path, ports: Ports) -> Home:
    return Home(tmp_path / "home", ports)


def queued_behind(home: Home, clock: StillClock, **options: object) -> Batch:
    """A batch of high priority, whose runs are queued after those of one that has none."""
    fanned_out(home.ports, home.create(RECORDS, PUPPET))
    clock.pass_(1)
    return fanned_out(home.ports, home.create(RECORDS, PUPPET, priority=Priority.HIGH, **options))


def first(ports: Ports, count: int) -> list[str]:
    """Whose those are that are pulled first; they are done with."""
    deliveries = ports.queue.pull(Station.RUNS, count)
    ports.queue.ack(deliveries)
    return [RunMessage.decode(it.body).batch_id for it in deliveries]


def test_of_batches_that_are_ready_high_comes_first_then_normal_then_low(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    batches = {}
    for priority in ("low", "normal", "high"):
        batches[priority] = fanned_out(ports, home.create(RECORDS, PUPPET, priority=priority))
        clock.pass_(1)
    for priority in ("high", "normal", "low"):
        assert set(first(ports, len(RECORDS))) == {batches[priority].id}
    assert first(ports, 1) == []


def test_a_batch_that_says_nothing_is_normal(home: Home) -> None:
    batch = home.create(RECORDS, PUPPET)
    assert home.ports.batches.get(batch.id).options.priority is Priority.NORMAL


def test_what_a_limit_releases_has_its_batchs_class(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    batch = queued_behind(home, clock, concurrency=2)
    assert first(ports, 2) == [batch.id] * 2
    ports.runs.settle(batch, [ok(batch, 0)])
    assert advance(ports, batch, 0) == 1
    assert first(ports, 1) == [batch.id]


def test_what_a_repair_publishes_has_its_batchs_class(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    batch = queued_behind(home, clock, concurrency=1)
    assert first(ports, 1) == [batch.id]
    ports.runs.settle(batch, [ok(batch, 0)])
    dies = with_faults(ports, [Fault("queue", "publish", "before", lose_reply)])
    with pytest.raises(EngineError):
        advance(dies, batch, 0)
    assert repair(ports, batch, lambda _: True) == 1
    assert first(ports, 1) == [batch.id]


def test_what_waited_has_its_batchs_class(home: Home, ports: Ports, clock: StillClock) -> None:
    batch = queued_behind(home, clock)
    first(ports, len(RECORDS))
    ports.leases.wait(batch, [live(batch, 3, RunState.WAITING, clock.now() + 60)])
    clock.pass_(61)
    assert wake_due(ports, EMBEDDED, batch) == 1
    assert first(ports, 1) == [batch.id]


def test_a_dead_letter_that_is_brought_back_has_its_batchs_class(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, priority="high"))
    runs_taken(ports)
    until = clock.now() + 60
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, until, "somebody")])
    body = RunMessage(batch.id, 0).encode()
    dead_letter(ports, Delivery(Station.DEAD_LETTERS, body, 1, "1", Station.RUNS, "m"))
    (letter,) = ports.letters.find()
    fanned_out(ports, home.create(RECORDS, PUPPET))
    clock.pass_(61)
    resurrect(ports, letter.id)
    assert first(ports, 1) == [batch.id]
