"""Letting go what the limit allows, and publishing it whoever dies in between."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.run import RunState
from fanfold.errors import EngineError
from fanfold.ports import Ports
from fanfold.steps.advance import Outbox, advance, advance_once, publish_runs, repair
from fanfold.testing.conformance.rig import live, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out, runs_taken

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS: list[Any] = [{"n": n} for n in range(20)]


@pytest.fixture
def batch(home: Home, ports: Ports) -> Batch:
    """At most 3 of its 20 records in flight; these three are out."""
    batch = fanned_out(ports, home.create(RECORDS, PUPPET, concurrency=3))
    assert published(ports) == [0, 1, 2]
    return batch


def published(ports: Ports) -> list[int]:
    return [it.index for it in runs_taken(ports)]


def dies_publishing(ports: Ports) -> Ports:
    return with_faults(ports, [Fault("queue", "publish", "before", lose_reply)])


def test_each_place_that_becomes_free_is_filled_and_no_other(ports: Ports, batch: Batch) -> None:
    assert advance(ports, batch, None) == 0
    ports.runs.settle(batch, [ok(batch, 1)])
    assert advance(ports, batch, 1) == 1
    assert published(ports) == [3]
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 3)])
    assert advance(ports, batch, 0) == 2
    assert published(ports) == [4, 5]
    assert ports.frontier.window(batch.id).pending == {}


def test_a_batch_without_a_limit_is_left_alone(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET))
    assert len(published(ports)) == 20
    assert advance(ports, batch, None) == 0
    assert repair(ports, batch, lambda _: True) == 0
    assert published(ports) == []


def test_to_the_last_record_everything_is_released_once(ports: Ports, batch: Batch) -> None:
    out = [0, 1, 2]
    for index in range(20):
        ports.runs.settle(batch, [ok(batch, index)])
        advance(ports, batch, index)
        out += published(ports)
    assert out == list(range(20))


def test_a_waiting_run_that_is_due_goes_first_and_is_marked(ports: Ports, batch: Batch) -> None:
    now = ports.clock.now()
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, now)])
    advance(ports, batch, 0)
    (first,) = runs_taken(ports)
    assert (first.index, first.again) == (0, True)


def test_a_release_that_died_unpublished_is_published_by_the_message_that_made_it(
    ports: Ports, batch: Batch
) -> None:
    ports.runs.settle(batch, [ok(batch, 1)])
    with pytest.raises(EngineError):
        advance(dies_publishing(ports), batch, 1)
    assert advance(ports, batch, 1) == 0, "the place is taken by what nobody has heard of"
    assert repair(ports, batch, lambda release: release.record == 7) == 0
    assert published(ports) == []
    assert repair(ports, batch, lambda release: release.record == 1) == 1
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(3, True)]
    assert ports.frontier.window(batch.id).pending == {}


def test_what_a_repair_publishes_counts_the_deliveries_of_who_repairs(
    ports: Ports, batch: Batch
) -> None:
    """It may be what killed them."""
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, ports.clock.now())])
    ports.runs.settle(batch, [ok(batch, 1)])
    with pytest.raises(EngineError):
        advance(dies_publishing(ports), batch, 1)
    repair(ports, batch, lambda _: True, attempt=3)
    assert {it.attempt for it in runs_taken(ports)} == {3}


def test_a_repair_leaves_out_what_is_settled(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1)])
    with pytest.raises(EngineError):
        advance(dies_publishing(ports), batch, 1)
    ports.runs.settle(batch, [ok(batch, 3)])  # it had been published after all
    repair(ports, batch, lambda _: True)
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(4, True), (5, False)]


def test_a_repair_that_finds_free_places_fills_them_and_leaves_nothing_to_repair(
    ports: Ports, batch: Batch
) -> None:
    ports.runs.settle(batch, [ok(batch, 1)])
    with pytest.raises(EngineError):
        advance(dies_publishing(ports), batch, 1)
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 2)])
    repair(ports, batch, lambda _: True)
    assert published(ports) == [3, 4, 5]
    assert ports.frontier.window(batch.id).pending == {}, "or the sweep would repeat it"


def test_a_woken_run_that_died_unpublished_is_published_by_a_repair(
    ports: Ports, batch: Batch
) -> None:
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, ports.clock.now())])
    with pytest.raises(EngineError):
        advance(dies_publishing(ports), batch, 2)
    assert repair(ports, batch, lambda release: release.record == 2) == 1
    assert [(it.index, it.again) for it in runs_taken(ports)] == [(0, True)]


def test_a_repair_that_dies_too_is_done_by_the_next(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 1)])
    for attempt in (advance, lambda p, b, _: repair(p, b, lambda _: True)):
        with pytest.raises(EngineError):
            attempt(dies_publishing(ports), batch, 1)
    assert repair(ports, batch, lambda _: True) == 1
    assert published(ports) == [3]


# ------------------------------------------------- who comes again soon


def test_what_is_published_is_struck_off_by_the_next_compare_and_set(
    ports: Ports, batch: Batch
) -> None:
    outbox: Outbox = {}
    fault = Fault("frontier", "advance", "before", lambda: None)
    counted = with_faults(ports, [fault])
    for index in (1, 0):
        ports.runs.settle(batch, [ok(batch, index)])
        assert advance_once(counted, batch, index, outbox) == 1
        (pending,) = ports.frontier.window(batch.id).pending.values()
        assert pending.record == index
    assert published(ports) == [3, 4]
    assert fault.calls == 2, "one for each"
    assert advance_once(ports, batch, 0, outbox) == 0
    assert ports.frontier.window(batch.id).pending == {}
    assert outbox == {}, "nothing is kept of batches that nothing happens in"


def test_what_died_unpublished_is_not_struck_off(ports: Ports, batch: Batch) -> None:
    outbox: Outbox = {}
    ports.runs.settle(batch, [ok(batch, 1)])
    with pytest.raises(EngineError):
        advance_once(dies_publishing(ports), batch, 1, outbox)
    assert advance_once(ports, batch, 1, outbox) == 0
    assert repair(ports, batch, lambda release: release.record == 1) == 1
    assert published(ports) == [3]


def test_what_could_not_be_struck_off_is_kept_for_the_next(ports: Ports, batch: Batch) -> None:
    outbox: Outbox = {}
    ports.runs.settle(batch, [ok(batch, 1)])
    advance_once(ports, batch, 1, outbox)
    lost = with_faults(ports, [Fault("frontier", "advance", "before", lose_reply)])
    with pytest.raises(EngineError):
        advance_once(lost, batch, 1, outbox)
    advance_once(ports, batch, 1, outbox)
    assert ports.frontier.window(batch.id).pending == {}


def test_without_a_limit_there_is_nothing_to_advance(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET))
    assert advance_once(ports, batch, 0, {}) == 0


def test_publishing_many_records_repeats_and_skips_none(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create([{"n": n} for n in range(1201)], PUPPET))
    runs_taken(ports)
    assert publish_runs(ports, batch, range(100, 1201)) == 1101
    assert published(ports) == list(range(100, 1201))
