"""What a process holds, counted and weighed; and who decides what comes of a run."""

from __future__ import annotations

import pytest

from fanfold.domain.messages import RunMessage
from fanfold.execution.context import Cancellation
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.run_flow import Job
from fanfold.testing.conformance.rig import new_batch
from fanfold.testing.puppet import puppet
from fanfold.worker.hand import Hand


def run(token: str, size: int) -> Delivery:
    return Delivery(Station.RUNS, b"x" * size, 1, token)


@pytest.fixture
def job(ports: Ports) -> Job:
    batch = new_batch(ports)
    message = RunMessage(batch_id=batch.id, index=0)
    return Job(Delivery(Station.RUNS, message.encode(), 1, "1"), message, batch, puppet)


def test_what_is_held_is_counted_and_weighed() -> None:
    hand = Hand()
    hand.take([run("1", 10), run("2", 30)])
    assert (hand.runs, hand.bytes) == (2, 40)
    hand.drop([run("1", 10), run("unheard of", 99)])
    assert (hand.runs, hand.bytes) == (1, 30)


def test_what_comes_again_under_the_same_name_weighs_once() -> None:
    """As after a lease that ended while this process stood still."""
    hand = Hand()
    hand.take([run("1", 10)])
    hand.take([run("1", 10)])
    assert (hand.runs, hand.bytes) == (1, 10)
    hand.drop([run("1", 10)])
    assert (hand.runs, hand.bytes) == (0, 0)


def test_only_runs_are_weighed_for_a_long_finalization_must_not_stop_them() -> None:
    hand = Hand()
    hand.take([Delivery(Station.FINALIZATIONS, b"x" * 10, 1, "1")])
    assert (hand.runs, hand.bytes) == (0, 0)
    assert len(hand) == 1


def test_whoever_waits_for_room_is_told_when_there_may_be_some() -> None:
    hand, told = Hand(), []
    hand.on_drop = lambda: told.append(hand.runs)
    hand.take([run("1", 10)])
    hand.drop([run("1", 10)])
    assert told == [0]


def test_what_returned_in_time_is_not_given_up(job: Job) -> None:
    hand = Hand()
    hand.begin(job, Cancellation())
    assert hand.returned(job)
    hand.give_up()
    assert hand.given_up() == []
    assert len(hand.executing()) == 1, "it is still waited for"


def test_what_was_given_up_is_told_so_and_nothing_comes_of_it(job: Job) -> None:
    hand, told = Hand(), Cancellation()
    hand.begin(job, told)
    hand.give_up()
    assert told.is_set()
    assert [it.job for it in hand.given_up()] == [job]
    assert hand.executing() == []
    assert not hand.returned(job)


def test_what_begins_after_that_is_given_up_at_once(job: Job) -> None:
    """A lane may have taken it up an instant before."""
    hand, told = Hand(), Cancellation()
    hand.give_up()
    hand.begin(job, told)
    assert told.is_set()
    assert [it.job for it in hand.given_up()] == [job]
    assert hand.executing() == []
