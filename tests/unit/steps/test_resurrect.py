"""A dead letter is published again where that is not too late, on both engines."""

from __future__ import annotations

import json

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.letter import Letter
from fanfold.domain.messages import FanOutMessage, FinalizationMessage, PageMessage, RunMessage
from fanfold.domain.run import RunState
from fanfold.errors import BatchNotFound, Conflict, EngineError, LetterNotFound
from fanfold.execution.library import Library
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.resurrect import resurrect
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, live, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import (
    fan_outs_taken,
    fanned_out,
    finalizations_taken,
    finalized,
    runs_taken,
    taken,
)
from fanfold.wiring import EMBEDDED
from fanfold.worker.desk import Desk

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"


@pytest.fixture
def batch(home: Home, ports: Ports) -> Batch:
    batch = fanned_out(ports, home.create([{"n": 0}, {"n": 1}], PUPPET))
    runs_taken(ports)
    return batch


def dead(ports: Ports, origin: Station | None, body: bytes) -> Letter:
    dead_letter(ports, Delivery(Station.DEAD_LETTERS, body, 1, "1", origin, "m"))
    (letter,) = ports.letters.find()
    return letter


def dead_run(ports: Ports, batch: Batch, index: int = 0, generation: int = 1) -> Letter:
    return dead(ports, Station.RUNS, RunMessage(batch.id, index, generation).encode())


def left_run(ports: Ports, batch: Batch) -> Letter:
    """Somebody was at it, so it was not failed; and then died."""
    until = ports.clock.now() + 60
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, until, "somebody")])
    return dead_run(ports, batch)


def test_a_run_that_is_not_settled_is_published_again_as_a_repeat(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    letter = left_run(ports, batch)
    clock.pass_(61)
    done = resurrect(ports, letter.id)
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(0, True)]
    assert (done.before, done.letter.resurrected_at) == (False, clock.now())
    assert ports.letters.get(letter.id) == done.letter


def test_bringing_it_back_twice_is_harmless_and_said(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    letter = left_run(ports, batch)
    first = resurrect(ports, letter.id)
    clock.pass_(5)
    second = resurrect(ports, letter.id)
    assert second.before
    assert second.letter == first.letter
    assert len(runs_taken(ports)) == 1


def test_what_died_before_it_was_marked_is_published_once_more(ports: Ports, batch: Batch) -> None:
    letter = left_run(ports, batch)
    with pytest.raises(EngineError):
        resurrect(with_faults(ports, [Fault("letters", "mark", "before", lose_reply)]), letter.id)
    assert not resurrect(ports, letter.id).before
    assert [it.again for it in runs_taken(ports)] == [True, True], "each reader looks first"


def test_a_record_the_letter_failed_stays_failed_and_says_what_can_be_done(
    ports: Ports, batch: Batch
) -> None:
    letter = dead_run(ports, batch)
    with pytest.raises(Conflict) as refused:
        resurrect(ports, letter.id)
    said = str(refused.value)
    assert f"record 0 of {batch.id} has failed, for that: its message was delivered 20" in said
    assert f"`fanfold retry {batch.id} --failed`" in said
    ports.runs.settle(batch, [ok(batch, 1)])
    finalized(ports, batch)
    with pytest.raises(Conflict, match="has failed, for that"):
        resurrect(ports, letter.id)
    assert runs_taken(ports) == []
    assert ports.letters.get(letter.id).resurrected_at is None


def test_a_record_that_failed_otherwise_stays_failed(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [failed(batch, 0, "no such word")])
    letter = dead_run(ports, batch)
    with pytest.raises(Conflict, match="for another reason: no such word"):
        resurrect(ports, letter.id)


def test_a_record_that_succeeded_keeps_its_result(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 0)])
    letter = dead_run(ports, batch)
    with pytest.raises(Conflict, match="is settled, as succeeded"):
        resurrect(ports, letter.id)
    assert runs_taken(ports) == []


def test_nothing_is_published_for_a_batch_that_is_stopped_or_has_ended(
    ports: Ports, batch: Batch
) -> None:
    letter = left_run(ports, batch)
    cancel(ports, batch.id)
    with pytest.raises(Conflict, match=f"{batch.id} is canceling"):
        resurrect(ports, letter.id)
    finalized(ports, batch)
    with pytest.raises(Conflict, match=f"{batch.id} is canceled"):
        resurrect(ports, letter.id)
    assert runs_taken(ports) == []


def test_nor_for_another_generation(ports: Ports, batch: Batch) -> None:
    older = dead_run(ports, batch, generation=2)
    with pytest.raises(Conflict, match="generation"):
        resurrect(ports, older.id)


def test_nor_for_a_record_there_is_not(ports: Ports, batch: Batch) -> None:
    letter = dead_run(ports, batch, index=7)
    with pytest.raises(Conflict, match="has no record 7"):
        resurrect(ports, letter.id)


def test_nor_for_a_batch_that_is_not_here(ports: Ports) -> None:
    gone = dead(ports, Station.RUNS, RunMessage("batch-aaaaaaaaaaaaaaaa", 0).encode())
    with pytest.raises(BatchNotFound):
        resurrect(ports, gone.id)


def test_a_page_is_published_again_as_a_repeat(ports: Ports, batch: Batch) -> None:
    page = PageMessage(batch_id=batch.id, start=0, stop=2)
    letter = dead(ports, Station.FAN_OUT, page.encode())
    resurrect(ports, letter.id)
    (again,) = fan_outs_taken(ports)
    assert isinstance(again, PageMessage)
    assert (again.start, again.stop, again.again) == (0, 2, True)


def test_a_fan_out_whose_batch_has_failed_is_refused(ports: Ports, home: Home) -> None:
    batch = home.create([{"n": 0}], PUPPET)
    letter = dead(ports, Station.FAN_OUT, FanOutMessage(batch_id=batch.id).encode())
    finalized(ports, batch)
    with pytest.raises(Conflict, match=f"{batch.id} is failed"):
        resurrect(ports, letter.id)


def test_a_finalization_is_published_again_until_its_batch_has_ended(
    ports: Ports, batch: Batch
) -> None:
    body = FinalizationMessage(batch_id=batch.id).encode()
    letter = dead(ports, Station.FINALIZATIONS, body)
    cancel(ports, batch.id)  # which asks, too
    finalizations_taken(ports)
    resurrect(ports, letter.id)
    assert len(finalizations_taken(ports)) == 1
    assert finalized(ports, batch).state is BatchState.CANCELED


def test_a_finalization_of_what_has_ended_is_refused(ports: Ports, batch: Batch) -> None:
    letter = dead(ports, Station.FINALIZATIONS, FinalizationMessage(batch_id=batch.id).encode())
    cancel(ports, batch.id)
    finalized(ports, batch)
    with pytest.raises(Conflict, match="takes no more messages"):
        resurrect(ports, letter.id)


@pytest.mark.parametrize("request_id", [None, "nightly"])
def test_a_request_is_met_when_its_flow_is_registered_and_starts_one_batch(
    ports: Ports, request_id: str | None
) -> None:
    request = {"flow": "echo", "records": [1, 2], "request_id": request_id}
    letter = dead(ports, Station.FAN_OUT, json.dumps(request).encode())
    with pytest.raises(EngineError):  # a crash: it is published once more
        resurrect(with_faults(ports, [Fault("letters", "mark", "before", lose_reply)]), letter.id)
    resurrect(ports, letter.id)
    deliveries = taken(ports, Station.FAN_OUT)
    assert len(deliveries) == 2
    assert {json.loads(it.body)["request_id"] for it in deliveries} == {request_id or letter.id}
    desk = Desk(ports, EMBEDDED, Library())
    for delivery in deliveries:
        desk.serve(delivery)
    (batch,) = ports.batches.find()
    assert batch.flow.name == "echo"


def test_a_large_request_is_published_whole(ports: Ports) -> None:
    request = {"flow": "echo", "records": ["x" * 1000] * 200, "request_id": "large"}
    body = json.dumps(request).encode()
    resurrect(ports, dead(ports, Station.FAN_OUT, body).id)
    assert [it.body for it in taken(ports, Station.FAN_OUT)] == [body]


@pytest.mark.parametrize("origin", [Station.RUNS, Station.FAN_OUT, Station.FINALIZATIONS, None])
def test_what_cannot_be_read_even_now_is_refused_with_the_reason(
    ports: Ports, origin: Station | None
) -> None:
    letter = dead(ports, origin, b"nonsense")
    reason = letter.reason.removeprefix("cannot be read: ")
    with pytest.raises(Conflict) as refused:
        resurrect(ports, letter.id)
    assert "cannot be read now either" in str(refused.value)
    assert reason in str(refused.value)
    assert ports.letters.get(letter.id).resurrected_at is None


def test_a_letter_there_is_not_is_not_found(ports: Ports) -> None:
    with pytest.raises(LetterNotFound, match="letter-none"):
        resurrect(ports, "letter-none")
