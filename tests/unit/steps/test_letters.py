"""Every dead letter is kept once, with what became of it, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.letter import MAX_BODY_BYTES, Fate, Letter
from fanfold.domain.messages import (
    FanOutMessage,
    FinalizationMessage,
    PageMessage,
    RunMessage,
)
from fanfold.domain.run import RunState
from fanfold.errors import EngineError
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.letters import body_of
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, live, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out, finalized, runs_taken

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"


@pytest.fixture
def batch(home: Home, ports: Ports) -> Batch:
    batch = fanned_out(ports, home.create([{"n": 0}, {"n": 1}], PUPPET))
    runs_taken(ports)
    return batch


def letter(origin: Station | None, body: bytes, message_id: str = "m") -> Delivery:
    return Delivery(Station.DEAD_LETTERS, body, 1, "1", origin, message_id)


def run_letter(batch: Batch, index: int, generation: int = 1) -> Delivery:
    message = RunMessage(batch.id, index, generation)
    return letter(Station.RUNS, message.encode(), f"{index}")


def kept(ports: Ports, delivery: Delivery) -> Letter:
    """The one letter there is when it has been taken for dead."""
    dead_letter(ports, delivery)
    (found,) = ports.letters.find()
    return found


def test_a_run_s_letter_says_that_its_record_has_failed_and_why(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    delivery = run_letter(batch, 0)
    found = kept(ports, delivery)
    assert (found.origin, found.batch_id, found.index) == ("runs", batch.id, 0)
    assert (found.fate, found.about) == (Fate.FAILED, "its record was settled as failed")
    assert "delivered 20 times" in found.reason
    assert (found.body, found.size) == (delivery.body, len(delivery.body))
    assert found.at == clock.now()
    assert ports.letters.find(batch.id) == [found]


def test_a_letter_that_comes_again_is_one_record(ports: Ports, batch: Batch) -> None:
    first = kept(ports, run_letter(batch, 0))
    pushed = replace(run_letter(batch, 0), message_id="projects/p/subscriptions/s/0", attempt=2)
    assert kept(ports, pushed) == first


def test_two_messages_of_the_same_words_are_two_letters(ports: Ports) -> None:
    dead_letter(ports, letter(Station.RUNS, b"?", "one"))
    dead_letter(ports, letter(Station.RUNS, b"?", "two"))
    assert len(ports.letters.find()) == 2


def test_one_that_died_between_settling_and_keeping_says_that_it_settled(
    ports: Ports, batch: Batch
) -> None:
    dying = with_faults(ports, [Fault("letters", "keep", "before", lose_reply)])
    with pytest.raises(EngineError):
        dead_letter(dying, run_letter(batch, 0))
    assert ports.letters.find() == []
    assert kept(ports, run_letter(batch, 0)).fate is Fate.FAILED


def settle_it(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 0)])


def fail_it(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [failed(batch, 0)])


def take_it(ports: Ports, batch: Batch) -> None:
    until = ports.clock.now() + 60
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, until, "somebody")])


def end_it(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
    finalized(ports, batch)


def stop_it(ports: Ports, batch: Batch) -> None:
    cancel(ports, batch.id)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (settle_it, "settled already, as succeeded"),
        (fail_it, "settled already, as failed"),
        (end_it, "settled already, as succeeded"),
        (take_it, "somebody is at its run"),
        (stop_it, "its batch is canceling"),
    ],
)
def test_a_run_that_needs_nothing_is_left_and_the_letter_says_why(
    ports: Ports, batch: Batch, before: Callable[[Ports, Batch], None], said: str
) -> None:
    before(ports, batch)
    found = kept(ports, run_letter(batch, 0))
    assert found.fate is Fate.LEFT
    assert found.about.startswith("left: ")
    assert said in found.about


def test_a_run_of_another_generation_is_left(ports: Ports, batch: Batch) -> None:
    assert "another generation" in kept(ports, run_letter(batch, 0, generation=2)).about


def test_a_letter_for_a_batch_that_is_gone_is_kept_all_the_same(ports: Ports) -> None:
    gone = RunMessage("batch-aaaaaaaaaaaaaaaa", 0).encode()
    found = kept(ports, letter(Station.RUNS, gone))
    assert (found.fate, found.about) == (Fate.LEFT, "left: its batch is not here")


def test_a_fan_out_s_letter_says_that_its_batch_has_failed(ports: Ports, home: Home) -> None:
    batch = home.create([{"n": 0}], PUPPET)
    message = FanOutMessage(batch_id=batch.id).encode()
    found = kept(ports, letter(Station.FAN_OUT, message))
    assert (found.batch_id, found.index) == (batch.id, None)
    assert (found.fate, found.about) == (Fate.FAILED, "its batch has failed")


def test_a_fan_out_that_died_between_failing_its_batch_and_keeping_says_that_it_failed(
    ports: Ports, home: Home
) -> None:
    batch = home.create([{"n": 0}], PUPPET)
    delivery = letter(Station.FAN_OUT, FanOutMessage(batch_id=batch.id).encode())
    dying = with_faults(ports, [Fault("letters", "keep", "before", lose_reply)])
    with pytest.raises(EngineError):
        dead_letter(dying, delivery)
    finalized(ports, batch)
    assert kept(ports, delivery).fate is Fate.FAILED


def test_a_fan_out_of_a_batch_that_was_stopped_is_left(ports: Ports, batch: Batch) -> None:
    cancel(ports, batch.id)
    found = kept(ports, letter(Station.FAN_OUT, FanOutMessage(batch_id=batch.id).encode()))
    assert (found.fate, found.about) == (Fate.LEFT, "left: its batch was canceling already")


@pytest.mark.parametrize("station", [Station.FAN_OUT, Station.FINALIZATIONS])
def test_what_the_sweep_makes_good_is_left_to_it(
    ports: Ports, batch: Batch, station: Station
) -> None:
    page = PageMessage(batch_id=batch.id, start=0, stop=2)
    message = page if station is Station.FAN_OUT else FinalizationMessage(batch_id=batch.id)
    found = kept(ports, letter(station, message.encode()))
    assert (found.fate, found.batch_id) == (Fate.LEFT, batch.id)
    assert "the sweep" in found.about


def test_a_request_that_could_not_be_met_is_kept(ports: Ports) -> None:
    body = b'{"flow": "unheard-of", "records": [1]}'
    found = kept(ports, letter(Station.FAN_OUT, body))
    assert (found.fate, found.batch_id, found.body) == (Fate.KEPT, None, body)
    assert "'unheard-of' could not be met" in found.reason


def test_a_large_body_is_bounded_in_the_record_and_whole_beside_it(ports: Ports) -> None:
    body = bytes(range(256)) * 1024
    found = kept(ports, letter(Station.FAN_OUT, body))
    assert (len(found.body), found.size) == (MAX_BODY_BYTES, len(body))
    assert body_of(ports, found) == body


def test_a_reason_is_bounded(ports: Ports) -> None:
    body = b'{"flow": "a", "%s": 1}' % (b"x" * 5000)
    assert len(kept(ports, letter(Station.FAN_OUT, body)).reason) <= 1000
