"""What could not be delivered ends all the same, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.letter import Fate
from fanfold.domain.messages import FanOutMessage, FinalizationMessage, PageMessage, RunMessage
from fanfold.domain.outcome import Blame, Failed
from fanfold.domain.run import RunState
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.advance import advance
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import live, ok
from fanfold.testing.home import Home
from fanfold.testing.stations import (
    fanned_out,
    finalizations_taken,
    finalized,
    runs_taken,
    taken,
)

PUPPET = "fanfold.testing.puppet:puppet"


def letter(origin: Station | None, body: bytes) -> Delivery:
    return Delivery(Station.DEAD_LETTERS, body, 1, "1", origin)


def run_letter(batch: Batch, index: int, **changes: Any) -> Delivery:
    return letter(Station.RUNS, RunMessage(batch_id=batch.id, index=index, **changes).encode())


@pytest.fixture
def batch(home: Home, ports: Ports) -> Batch:
    batch = fanned_out(ports, home.create([{"n": 0}, {"n": 1}], PUPPET))
    runs_taken(ports)
    return batch


def test_a_run_that_was_never_delivered_fails_with_the_reason(ports: Ports, batch: Batch) -> None:
    dead_letter(ports, run_letter(batch, 0))
    outcome = ports.runs.read(batch.id, [0])[0].outcome
    assert isinstance(outcome, Failed)
    assert outcome.failure.blame is Blame.UNDELIVERABLE
    assert "delivered 20 times" in outcome.failure.message
    assert finalizations_taken(ports) == [], "the other one is not settled"


def test_the_last_run_of_a_batch_that_dies_so_completes_it(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 1)])
    dead_letter(ports, run_letter(batch, 0))
    assert len(finalizations_taken(ports)) == 1
    assert finalized(ports, batch).state is BatchState.COMPLETED


def test_a_run_that_was_settled_keeps_its_result_and_the_question_is_asked(
    ports: Ports, batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    ports.runs.settle(batch, [ok(batch, 0, '"kept"'), ok(batch, 1)])
    dead_letter(ports, run_letter(batch, 0))
    assert ports.runs.read(batch.id, [0])[0] == ok(batch, 0, '"kept"')
    assert len(finalizations_taken(ports)) == 1, "whoever settled it may have died before asking"
    assert caplog.text == "", "nobody is told that it never finished"


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.WAITING])
def test_a_run_somebody_is_at_or_that_waits_is_left_alone(
    ports: Ports, batch: Batch, state: RunState
) -> None:
    now = ports.clock.now()
    if state is RunState.RUNNING:
        ports.leases.hold(batch, [live(batch, 0, state, now + 60, "somebody")])
    else:
        ports.leases.wait(batch, [live(batch, 0, state, now - 60)])
    dead_letter(ports, run_letter(batch, 0))
    assert ports.runs.read(batch.id, [0]) == {}


def test_a_run_whose_lease_has_ended_fails_and_keeps_count_of_its_attempts(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    held = live(batch, 0, RunState.RUNNING, clock.now() + 60, "somebody")
    ports.leases.hold(batch, [held])
    clock.pass_(61)
    dead_letter(ports, run_letter(batch, 0))
    run = ports.runs.read(batch.id, [0])[0]
    assert (run.attempts, run.started_at) == (held.attempts, held.started_at)
    assert ports.leases.lives(batch.id, [0]) == {}


def test_under_a_limit_the_place_of_the_dead_is_filled(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create([{"n": n} for n in range(5)], PUPPET, concurrency=1))
    assert [it.index for it in runs_taken(ports)] == [0]
    dead_letter(ports, run_letter(batch, 0))
    assert [it.index for it in runs_taken(ports)] == [1]


def test_a_release_the_dead_had_made_is_published(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create([{"n": n} for n in range(5)], PUPPET, concurrency=1))
    runs_taken(ports)
    ports.runs.settle(batch, [ok(batch, 0)])
    ports.frontier.advance(batch, "token", 0, [], ports.clock.now())  # and died
    dead_letter(ports, run_letter(batch, 0))
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(1, True)]
    assert advance(ports, batch, None) == 0


def test_also_of_a_record_that_waits(home: Home, ports: Ports) -> None:
    """It let the next one go when it was put to wait, and could not publish that."""
    batch = fanned_out(ports, home.create([{"n": n} for n in range(5)], PUPPET, concurrency=1))
    runs_taken(ports)
    now = ports.clock.now()
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, now + 60)])
    ports.frontier.advance(batch, "token", 0, [], now)  # and died
    dead_letter(ports, run_letter(batch, 0))
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(1, True)]
    assert ports.frontier.window(batch.id).pending == {}


def test_a_run_of_a_stopped_batch_or_another_generation_changes_nothing(
    ports: Ports, batch: Batch
) -> None:
    dead_letter(ports, run_letter(batch, 0, generation=2))
    assert ports.runs.tally(batch.id).settled == 0
    cancel(ports, batch.id)
    dead_letter(ports, run_letter(batch, 0))
    assert ports.runs.tally(batch.id).settled == 0


def test_a_fan_out_that_cannot_work_fails_its_batch_with_the_reason(
    home: Home, ports: Ports
) -> None:
    batch = home.create([{"n": 0}], PUPPET)
    dead_letter(ports, letter(Station.FAN_OUT, FanOutMessage(batch_id=batch.id).encode()))
    assert len(finalizations_taken(ports)) == 1
    ended = finalized(ports, batch)
    assert ended.state is BatchState.FAILED
    assert ended.failure is not None
    assert "20 deliveries" in ended.failure.message


def test_a_fan_out_of_a_batch_that_has_ended_changes_nothing(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
    ended = finalized(ports, batch)
    dead_letter(ports, letter(Station.FAN_OUT, FanOutMessage(batch_id=batch.id).encode()))
    assert ports.batches.get(batch.id) == ended


def test_a_page_is_left_to_the_sweep(ports: Ports, batch: Batch) -> None:
    page = PageMessage(batch_id=batch.id, start=0, stop=2)
    dead_letter(ports, letter(Station.FAN_OUT, page.encode()))
    assert ports.batches.get(batch.id).state is BatchState.RUNNING


def test_a_finalization_is_left_to_the_sweep(
    ports: Ports, batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    message = FinalizationMessage(batch_id=batch.id)
    dead_letter(ports, letter(Station.FINALIZATIONS, message.encode()))
    assert ports.batches.get(batch.id) == batch
    assert "gave up" in caplog.text


@pytest.mark.parametrize("origin", [Station.RUNS, Station.FAN_OUT, Station.FINALIZATIONS, None])
@pytest.mark.parametrize("body", [b"\xff\x00 no text", b"[1, 2]", b"{}", b'{"v":99}'])
def test_what_nobody_can_decode_is_kept_where_it_can_be_read(
    ports: Ports, caplog: pytest.LogCaptureFixture, origin: Station | None, body: bytes
) -> None:
    if origin is Station.FAN_OUT and body == b"{}":
        body = b'{"kind": "page"}'
    dead_letter(ports, letter(origin, body))
    (record,) = caplog.records
    (kept,) = ports.letters.find()
    assert record.__dict__["context"]["kept_as"] == kept.id
    assert (kept.body, kept.origin, kept.fate) == (body, str(origin or ""), Fate.KEPT)
    assert kept.reason.startswith("cannot be read: ")


def test_a_record_the_batch_does_not_have_is_kept_where_it_can_be_read(
    ports: Ports, batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    dead_letter(ports, run_letter(batch, 7))
    assert "has no record 7" in caplog.text
    assert ports.runs.tally(batch.id).settled == 0
    (kept,) = ports.letters.find(batch.id)
    assert (kept.index, kept.fate) == (7, Fate.KEPT)
    assert "has no record 7" in kept.reason


@pytest.mark.parametrize("origin", [Station.RUNS, Station.FAN_OUT])
def test_a_letter_for_a_batch_that_is_gone_is_done_with(ports: Ports, origin: Station) -> None:
    gone = "batch-aaaaaaaaaaaaaaaa"
    body = {
        Station.RUNS: RunMessage(batch_id=gone, index=0).encode(),
        Station.FAN_OUT: FanOutMessage(batch_id=gone).encode(),
    }[origin]
    dead_letter(ports, letter(origin, body))
    assert taken(ports, Station.DEAD_LETTERS) == []
