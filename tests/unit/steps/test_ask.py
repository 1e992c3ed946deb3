"""Completion is asked for by whoever ends the last record, however the work is shared."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch
from fanfold.errors import BatchNotFound
from fanfold.ports import Ports
from fanfold.steps.ask import Duty, ask, generation_of
from fanfold.steps.gathering import Gathering
from fanfold.steps.landing import Entry, Landing
from fanfold.steps.retry import Selection, retry
from fanfold.steps.stop import cancel
from fanfold.testing.conformance.rig import new_batch, ok, sealed, with_records
from fanfold.testing.stations import fanned_out, finalizations_taken, finished
from fanfold.wiring import EMBEDDED

A, B = "batch-aaaaaaaaaaaaaaaa", "batch-bbbbbbbbbbbbbbbb"


@pytest.fixture
def batch(ports: Ports) -> Batch:
    return sealed(ports, with_records(ports, new_batch(ports), 2))


def test_nobody_is_told_before_the_last_record_is_settled(ports: Ports, batch: Batch) -> None:
    assert not ask(ports, batch)
    ports.runs.settle(batch, [ok(batch, 0)])
    assert not ask(ports, batch)
    assert finalizations_taken(ports) == []
    ports.runs.settle(batch, [ok(batch, 1)])
    assert ask(ports, batch)
    (message,) = finalizations_taken(ports)
    assert (message.batch_id, message.generation) == (batch.id, 1)


def test_a_view_from_before_the_seal_is_not_trusted(ports: Ports) -> None:
    older = with_records(ports, new_batch(ports), 1)
    sealed(ports, older)
    ports.runs.settle(older, [ok(older, 0)])
    assert ask(ports, older), "unsealed may have been true when it was read"


def test_before_the_seal_nothing_can_be_complete(ports: Ports) -> None:
    batch = with_records(ports, new_batch(ports), 1)
    ports.runs.settle(batch, [ok(batch, 0)])
    assert not ask(ports, batch)


def test_of_a_canceling_batch_a_finalization_is_always_asked_for(
    ports: Ports, batch: Batch
) -> None:
    canceling = cancel(ports, batch.id)
    finalizations_taken(ports)
    assert ask(ports, canceling)
    assert len(finalizations_taken(ports)) == 1


def test_a_paused_batch_whose_records_are_all_settled_is_complete(
    ports: Ports, batch: Batch
) -> None:
    paused = ports.batches.amend(batch.id, rules.pause)
    ports.runs.settle(paused, [ok(batch, 0), ok(batch, 1)])
    assert ask(ports, paused)


def test_of_a_batch_that_is_gone_nobody_can_ask(ports: Ports) -> None:
    gone = replace(new_batch(ports), id=A)
    with pytest.raises(BatchNotFound):
        ask(ports, gone)


# ------------------------------------------------------------------- duty


@pytest.mark.each_engine
def test_who_is_still_at_a_run_of_an_older_generation_asks_for_the_newer_all_the_same(
    ports: Ports, batch: Batch
) -> None:
    duty = Duty()
    landing: Landing[int] = Landing(
        ports, Gathering(EMBEDDED), duty, finish=lambda _: None, give_up=lambda _: None
    )
    duty.take(generation_of(batch))
    finished(ports, batch, [ok(batch, n) for n in range(2)])
    again = fanned_out(ports, retry(ports, batch.id, Selection()).batch)
    finalizations_taken(ports)
    duty.take(generation_of(again), 2)
    landing.land([Entry(again, ok(again, n), n) for n in range(2)])
    assert [it.generation for it in finalizations_taken(ports)] == [2]


def test_whoever_gives_back_the_last_message_asks() -> None:
    duty = Duty()
    duty.take(A, 3)
    duty.owe(A)
    assert not duty.give_back(A, 1)
    assert not duty.give_back(A, 1)
    assert duty.give_back(A, 1)


def test_who_has_ended_no_record_owes_no_question() -> None:
    duty = Duty()
    duty.take(A, 2)
    assert not duty.give_back(A, 2), "both were given back unsettled: their redelivery will ask"


def test_a_question_that_was_asked_is_not_owed_any_more() -> None:
    duty = Duty()
    duty.take(A)
    duty.owe(A)
    assert duty.give_back(A, 1)
    duty.take(A)
    assert not duty.give_back(A, 1)


def test_batches_owe_each_for_itself() -> None:
    duty = Duty()
    duty.take(A)
    duty.take(B)
    duty.owe(A)
    assert not duty.give_back(B, 1)
    assert duty.give_back(A, 1)
    assert (duty.held(A), duty.held(B)) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("tsr"), st.integers(1, 3)), max_size=80))
def test_no_message_is_acked_with_a_question_owed_and_nothing_held(
    moves: list[tuple[str, int]],
) -> None:
    """Take, settle and ack, or release, in any order: once nothing is held, no record that was
    settled has gone without a question after it."""
    duty = Duty()
    held, unasked = 0, False
    for move, number in moves:
        if move == "t":
            duty.take(A, number)
            held += number
            continue
        number = min(number, held)  # noqa: PLW2901
        if not number:
            continue
        if move == "s":
            duty.owe(A)
            unasked = True
        held -= number
        asks = duty.give_back(A, number)
        if asks:
            assert unasked, "a question nobody owed"
            unasked = False
        # what was released is unacked, wherever it is: only an ack may not leave a duty behind
        if move == "s" and held == 0:
            assert not unasked
        assert duty.held(A) == held
        if held == 0:
            unasked = False


def test_of_many_threads_that_settle_at_once_one_asks_and_it_is_the_last() -> None:
    with ThreadPoolExecutor(8) as pool:
        for _ in range(200):
            duty = Duty()
            duty.take(A, 8)

            def settle(_: int, duty: Duty = duty) -> bool:
                duty.owe(A)
                return duty.give_back(A, 1)

            assert list(pool.map(settle, range(8))).count(True) == 1
            assert duty.held(A) == 0
