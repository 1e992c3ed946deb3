"""What happens on time while runs execute, or lie in the hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.messages import RunMessage
from fanfold.engines.embedded.queue import LEASE_SECONDS
from fanfold.execution.context import Cancellation
from fanfold.execution.library import Library
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.run_flow import Job
from fanfold.steps.stop import cancel
from fanfold.steps.views import Views
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import new_batch
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.home import Home
from fanfold.testing.puppet import puppet
from fanfold.testing.working import until
from fanfold.wiring import EMBEDDED
from fanfold.worker.hand import Hand
from fanfold.worker.keeper import Keeper
from fanfold.worker.parking import Parking


class Kept:
    """A keeper at work, and what it looks after."""

    def __init__(self, ports: Ports) -> None:
        self.hand, self.parking, self.extended = Hand(), Parking(), Event()
        self.unparked: list[Job] = []
        ports = with_faults(ports, [Fault("queue", "extend", "after", self.extended.set)])
        views = Views(ports, EMBEDDED, Library())
        self.keeper = Keeper(ports, EMBEDDED, views, self.hand, self.parking, self._unpark)

    def _unpark(self, jobs: Sequence[Job]) -> None:
        self.unparked.extend(jobs)

    def start(self, *, long_ago: bool = False) -> None:
        if long_ago:  # it has last extended a minute ago
            self.keeper._extended_at -= 60
        self.keeper.start()


@pytest.fixture
def kept(still_home: Home) -> Iterator[Kept]:
    it = Kept(still_home.ports)
    yield it
    it.keeper.stop()


@pytest.fixture
def batch(still_home: Home) -> Batch:
    return new_batch(still_home.ports)


def job_of(batch: Batch, index: int = 0) -> Job:
    message = RunMessage(batch_id=batch.id, index=index)
    delivery = Delivery(Station.RUNS, message.encode(), 1, str(index))
    return Job(delivery, message, batch, puppet)


def test_what_is_held_is_nobody_else_s_however_long(
    kept: Kept, still_home: Home, clock: StillClock
) -> None:
    queue = still_home.ports.queue
    queue.publish(Station.RUNS, "batch-aaaaaaaaaaaaaaaa", [b"held"])
    kept.hand.take(queue.pull(Station.RUNS, 1))
    clock.pass_(LEASE_SECONDS - 1)
    kept.start(long_ago=True)
    assert kept.extended.wait(60)
    clock.pass_(LEASE_SECONDS - 1)
    assert queue.pull(Station.RUNS, 1) == []


def test_what_is_parked_comes_back_when_it_is_due_the_first_due_first(
    kept: Kept, batch: Batch
) -> None:
    late, soon, far = job_of(batch, 0), job_of(batch, 1), job_of(batch, 2)
    kept.parking.park(late, 0.05)
    kept.parking.park(soon, 0.0)
    kept.parking.park(far, 3600.0)
    kept.start()
    until(lambda: len(kept.unparked) == 2)
    assert kept.unparked == [soon, late]
    assert len(kept.parking) == 1


def test_who_waits_for_what_is_parked_hears_of_what_comes(batch: Batch) -> None:
    parking = Parking()
    parking.park(job_of(batch), 0.0)
    parking.wait(3600.0)
    assert len(parking.due()) == 1
    parking.wake()
    parking.wait(3600.0)


def test_a_run_of_a_stopped_batch_is_told_why(kept: Kept, batch: Batch, still_home: Home) -> None:
    told = Cancellation()
    kept.hand.begin(job_of(batch), told)
    kept.start()
    assert not told.is_set()
    cancel(still_home.ports, batch.id, "enough of it")
    until(told.is_set)
    assert told.reason == "enough of it"


def test_a_run_whose_batch_is_gone_is_told(kept: Kept, batch: Batch) -> None:
    told = Cancellation()
    job = job_of(batch)
    object.__setattr__(job.batch, "id", "batch-aaaaaaaaaaaaaaaa")
    kept.hand.begin(job, told)
    kept.start()
    until(told.is_set)
    assert "gone" in told.reason


def test_what_is_still_to_wait_is_told_when_the_parking_is_cleared(batch: Batch) -> None:
    parking = Parking()
    parking.park(job_of(batch), 3600.0)
    parking.park(job_of(batch), 0.0)
    waits = sorted(seconds for seconds, _ in parking.clear())
    assert waits[0] == 0.0
    assert 3000 < waits[1] <= 3600
    assert len(parking) == 0
