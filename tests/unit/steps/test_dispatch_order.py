"""Shuffle, sample and grid on their way from the source to the runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.messages import FanOutMessage, PageMessage
from fanfold.domain.options import BatchOptions
from fanfold.errors import EngineError
from fanfold.folds.result import Result
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports, Station
from fanfold.sources.iterable import from_iterable
from fanfold.steps.advance import advance, advance_once, repair
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.dispatch import indexes_at
from fanfold.steps.fan_out import fan_out, publish_page
from fanfold.steps.retry import Selection, retry
from fanfold.steps.sweep import Memory, sweep
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import after, fan_outs_taken, fanned_out, finished, runs_taken, taken
from fanfold.testing.working import work
from fanfold.wiring import EMBEDDED

PUPPET = "fanfold.testing.puppet:puppet"
RECORDS: list[Any] = [{"id": f"key-{n}", "n": n} for n in range(1200)]


def in_legs(ports: Ports, batch: Batch) -> Batch:
    """Fanned out with a hand-over after each page."""
    taken(ports, Station.FAN_OUT)
    following: FanOutMessage | None = FanOutMessage(batch_id=batch.id)
    while following is not None:
        fan_out(ports, following, after(1))
        following = None
        for it in fan_outs_taken(ports):
            if isinstance(it, PageMessage):
                publish_page(ports, it)
            else:
                following = it
    return ports.batches.get(batch.id)


def results(ports: Ports, batch: Batch) -> list[Result]:
    stored = ports.batches.get(batch.id)
    return list(stream_results(ports.runs, ports.batches, ports.blobs, stored))


# ------------------------------------------------------------------ shuffle


def test_a_shuffled_batch_publishes_every_record_once_in_an_order_of_its_own(
    home: Home, ports: Ports
) -> None:
    batch = home.create(RECORDS, PUPPET, shuffle=True, seed=4)
    fanned_out(ports, batch)
    order = [it.index for it in runs_taken(ports)]
    assert sorted(order) == list(range(len(RECORDS)))
    assert order[:20] != list(range(20))
    again = home.create(RECORDS, PUPPET, shuffle=True, seed=4)
    taken(ports, Station.FAN_OUT)
    fanned_out(ports, again)
    assert [it.index for it in runs_taken(ports)] == order


def test_a_shuffled_record_keeps_its_index_its_key_and_its_data(home: Home, ports: Ports) -> None:
    fanned_out(ports, home.create(RECORDS, PUPPET, shuffle=True, seed=4))
    for message in runs_taken(ports):
        assert message.record is not None
        assert message.record.data == RECORDS[message.index]
        assert message.record.key == f"key-{message.index}"


@pytest.mark.parametrize("concurrency", [None, 50])
def test_nothing_of_a_shuffled_batch_is_published_before_its_total_is_known(
    home: Home, ports: Ports, concurrency: int | None
) -> None:
    batch = home.create(RECORDS, PUPPET, shuffle=True, concurrency=concurrency)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, FanOutMessage(batch_id=batch.id), after(1))
    assert not ports.batches.get(batch.id).sealed
    sweep(ports, EMBEDDED, Memory())
    assert not any(isinstance(it, PageMessage) for it in fan_outs_taken(ports))
    assert runs_taken(ports) == []


def test_a_limited_shuffled_batch_runs_every_record_once(home: Home, ports: Ports) -> None:
    batch = home.create(RECORDS[:300], PUPPET, shuffle=True, concurrency=7)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, FanOutMessage(batch_id=batch.id), lambda: False)
    first = [it.index for it in runs_taken(ports)]
    assert len(first) == 7
    assert first != list(range(7))


def test_a_shuffled_batch_is_whole_in_the_end(home: Home, ports: Ports) -> None:
    batches = [
        home.create(RECORDS, PUPPET, shuffle=True),
        home.create(RECORDS, PUPPET, shuffle=True, concurrency=20),
    ]
    work(ports)
    for batch in batches:
        home.assert_whole(batch, len(RECORDS))
        assert [it.output for it in results(ports, batch)] == RECORDS


def test_a_fan_out_that_comes_again_after_the_seal_publishes_what_is_not_settled(
    home: Home, ports: Ports
) -> None:
    batch = home.create(RECORDS, PUPPET, shuffle=True, seed=9)
    sealed = fanned_out(ports, batch)
    order = [it.index for it in runs_taken(ports)]
    ports.runs.settle(sealed, [ok(sealed, index) for index in order[:1000]])
    fanned_out(ports, batch)
    again = runs_taken(ports)
    assert sorted(it.index for it in again) == sorted(order[1000:])
    assert all(it.again for it in again)


def test_a_sweep_finds_the_lost_records_of_a_limited_shuffled_batch(
    home: Home, ports: Ports, clock: StillClock
) -> None:
    """What was released are positions; what was lost are records."""
    batch = home.create(RECORDS, PUPPET, shuffle=True, seed=9, concurrency=40)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, FanOutMessage(batch_id=batch.id), lambda: False)
    lost = sorted(it.index for it in runs_taken(ports))
    memory = Memory()
    for _ in range(3):
        sweep(ports, EMBEDDED, memory)
        clock.pass_(EMBEDDED.quiet_seconds + 1)
    assert sorted({it.index for it in runs_taken(ports)}) == lost


def test_a_repair_by_who_knows_a_shuffled_batch_from_before_its_seal_publishes_what_was_released(
    home: Home, ports: Ports
) -> None:
    """What was known then gives the positions to other records."""
    batch = home.create(RECORDS, PUPPET, shuffle=True, seed=9, concurrency=3)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, FanOutMessage(batch_id=batch.id), after(1))
    early = ports.batches.get(batch.id)
    assert not early.sealed
    sealed = fanned_out(ports, batch)
    (first, *_) = runs_taken(ports)
    ports.runs.settle(sealed, [ok(sealed, first.index)])
    dies = with_faults(ports, [Fault("queue", "publish", "before", lose_reply)])
    with pytest.raises(EngineError):
        advance(dies, sealed, first.index)
    (release,) = ports.frontier.window(batch.id).pending.values()
    repair(ports, early, lambda it: it.record == first.index)
    released = indexes_at(ports, sealed, range(release.start, release.stop))
    assert [it.index for it in runs_taken(ports)] == list(released)


@pytest.mark.each_engine
def test_who_read_a_retried_batch_before_its_dispatch_releases_the_next_when_a_record_is_settled(
    home: Home, ports: Ports
) -> None:
    """As a process does that is still at a run of the older generation."""
    first = fanned_out(ports, home.create(RECORDS[:2], PUPPET, concurrency=1))
    finished(ports, first, [ok(first, n) for n in range(2)])
    runs_taken(ports)
    early = retry(ports, first.id, Selection()).batch
    again = fanned_out(ports, early)
    assert [it.index for it in runs_taken(ports)] == [0]
    ports.runs.settle(again, [ok(again, 0)])
    assert advance_once(ports, early, 0, {}) == 1
    assert [it.index for it in runs_taken(ports)] == [1]


def test_a_seed_is_drawn_and_kept_where_none_is_given(home: Home, ports: Ports) -> None:
    one, two = (home.create(RECORDS[:3], PUPPET, shuffle=True) for _ in range(2))
    seeds = {ports.batches.get(it.id).options.seed for it in (one, two)}
    assert None not in seeds
    assert len(seeds) == 2
    assert home.create(RECORDS[:3], PUPPET).options.seed is None


def test_a_request_that_is_repeated_finds_its_batch_though_the_seed_was_drawn(
    home: Home, ports: Ports
) -> None:
    def ask() -> Batch:
        flow = home.create([], PUPPET).flow
        request = BatchRequest(flow, BatchOptions(shuffle=True), "test", request_id="r")
        return create_batch(ports, request, lambda: from_iterable(RECORDS[:3], name="test"))

    assert ask() == ask()


# ------------------------------------------------------------------- sample


@pytest.mark.parametrize("k", [0, 1, 700, 1199, 1200, 5000])
def test_a_sample_is_exact_and_stays_in_the_source_s_order(
    home: Home, ports: Ports, k: int
) -> None:
    batch = home.create(RECORDS, PUPPET, shuffle=True, seed=3, max_records=k)
    stored = fanned_out(ports, batch)
    assert stored.total == min(k, len(RECORDS))
    kept = [record.data["n"] for record in ports.batches.records(batch.id, 0, stored.total)]
    assert kept == sorted(set(kept))
    if 0 < k < 1000:
        assert kept != list(range(k))


def test_a_sample_is_the_same_however_often_the_fan_out_hands_on(home: Home, ports: Ports) -> None:
    whole = home.create(RECORDS, PUPPET, shuffle=True, seed=3, max_records=900)
    legs = home.create(RECORDS, PUPPET, shuffle=True, seed=3, max_records=900)
    fanned_out(ports, whole)
    in_legs(ports, legs)
    assert _data(ports, whole) == _data(ports, legs)


def _data(ports: Ports, batch: Batch) -> list[Any]:
    total = ports.batches.get(batch.id).total
    assert total is not None
    return [record.data for record in ports.batches.records(batch.id, 0, total)]


# --------------------------------------------------------------------- grid


@pytest.mark.parametrize("fan", [fanned_out, in_legs])
def test_each_record_runs_once_with_each_combination(
    home: Home, ports: Ports, fan: Callable[[Ports, Batch], Batch]
) -> None:
    """Seven combinations: pages end in the middle of a record's."""
    batch = home.create(RECORDS[:200], PUPPET, grid={"k": [1, 2, 3, 4, 5, 6, 7]})
    assert fan(ports, batch).total == 1400
    indexes = Counter(it.index for it in runs_taken(ports))
    assert set(indexes) == set(range(1400))
    met = Counter((it.key, it.parameters["k"]) for it in results(ports, batch) if it.parameters)
    assert set(met.values()) == {1}
    assert len(met) == 1400


def test_a_sampled_grid_has_each_combination_of_each_record_that_was_drawn(
    home: Home, ports: Ports
) -> None:
    batch = home.create(
        RECORDS, PUPPET, grid={"a": [1, 2], "b": ["x"]}, shuffle=True, seed=2, max_records=300
    )
    assert in_legs(ports, batch).total == 600
    met = Counter(it.key for it in results(ports, batch))
    assert set(met.values()) == {2}
    assert len(met) == 300


def test_a_run_gets_its_combination_and_its_result_tells_which(home: Home, ports: Ports) -> None:
    place = "fanfold.testing.puppet:parameters"
    batch = home.create([1, 2], place, parameters={"model": "m"}, grid={"k": [10, 20]})
    work(ports)
    found = results(ports, batch)
    assert [it.output for it in found] == [{"model": "m", "k": k} for k in (10, 20, 10, 20)]
    assert [it.parameters for it in found] == [{"k": k} for k in (10, 20, 10, 20)]
    assert '"parameters":{"k": 10}' in found[0].line()


def test_without_a_grid_results_say_nothing_of_parameters(home: Home, ports: Ports) -> None:
    batch = home.create([1], PUPPET, parameters={"model": "m"})
    work(ports)
    (only,) = results(ports, batch)
    assert only.parameters is None
    assert "parameters" not in only.line()
