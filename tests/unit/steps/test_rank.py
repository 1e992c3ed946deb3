"""Records with priorities of their own: dispatched by them, once each, whoever dies on the way. On
both engines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import FanOutMessage, PageMessage
from fanfold.domain.order import is_dispatchable
from fanfold.domain.run import RunState
from fanfold.errors import BlobNotFound, EngineError
from fanfold.ports import Ids, Ports, Station
from fanfold.steps import rank
from fanfold.steps.advance import advance
from fanfold.steps.dispatch import indexes_at
from fanfold.steps.fan_out import fan_out, publish_page
from fanfold.steps.pause import pause, resume
from fanfold.steps.prune import prune_one
from fanfold.steps.retry import Selection, retry
from fanfold.steps.stop import cancel
from fanfold.steps.sweep import Memory, sweep
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import (
    after,
    fan_outs_taken,
    fanned_out,
    finalizations_taken,
    finalized,
    runs_taken,
    taken,
)
from fanfold.testing.working import work
from fanfold.wiring import EMBEDDED

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"
#: of two pages; every seventh says nothing, and has 0
RECORDS: list[Any] = [{"n": n, **({"p": n * 3 % 10} if n % 7 else {})} for n in range(600)]
LEVELS = [record.get("p", 0) for record in RECORDS]
BY_LEVEL = sorted(range(600), key=lambda index: -LEVELS[index])
FAILED = Selection(states=frozenset({RunState.FAILED}), what="--failed")


def create(home: Home, records: list[Any] = RECORDS, **options: Any) -> Batch:
    batch = home.create(records, PUPPET, priority_field="p", **options)
    taken(home.ports, Station.FAN_OUT)
    return batch


def published(ports: Ports) -> list[int]:
    """In order, of one stretch after the other."""
    found: list[int] = []
    for it in fan_outs_taken(ports):
        if isinstance(it, PageMessage):
            publish_page(ports, it)
        found += [run.index for run in runs_taken(ports)]
    return found + [run.index for run in runs_taken(ports)]


def once(ports: Ports, batch: Batch, out_of_time: Callable[[], bool] = lambda: False) -> Batch:
    fan_out(ports, FanOutMessage(batch_id=batch.id, generation=batch.generation), out_of_time)
    return ports.batches.get(batch.id)


def is_there(ports: Ports, blob: str) -> bool:
    try:
        return list(ports.blobs.read(blob)) is not None
    except BlobNotFound:
        return False


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six parts."""
    monkeypatch.setattr(rank, "PART", 100)


def parts(ports: Ports, batch: Batch) -> list[int]:
    """Those that are kept."""
    starts = range(0, 600, 100)
    return [start for start in starts if is_there(ports, f"{batch.id}/levels-{start}")]


# -------------------------------------------------------------------- order


def test_the_highest_priority_is_published_first_and_within_one_the_source_s_order_counts(
    home: Home, ports: Ports
) -> None:
    batch = create(home)
    once(ports, batch)
    assert published(ports) == BY_LEVEL


def test_with_a_limit_what_is_in_flight_are_the_first_of_the_highest_priority(
    home: Home, ports: Ports
) -> None:
    batch = once(ports, create(home, concurrency=7))
    order: list[int] = []
    while len(order) < 70:
        released = [it.index for it in runs_taken(ports)]
        assert len(released) == 7
        order += released
        ports.runs.settle(batch, [ok(batch, index) for index in released])
        advance(ports, batch, released[0])
    assert order == BY_LEVEL[:70]


def test_shuffled_each_priority_is_in_a_random_order_that_its_seed_gives_again(
    home: Home, ports: Ports
) -> None:
    once(ports, create(home, shuffle=True, seed=4))
    order = published(ports)
    assert [LEVELS[it] for it in order] == sorted(LEVELS, reverse=True)
    assert sorted(order) == list(range(600))
    assert order != BY_LEVEL
    once(ports, create(home, shuffle=True, seed=4))
    assert published(ports) == order


def test_all_combinations_of_a_record_have_its_priority(home: Home, ports: Ports) -> None:
    once(ports, create(home, [{"p": 1}, {"p": 9}, {}], grid={"k": [1, 2]}))
    assert published(ports) == [2, 3, 0, 1, 4, 5]


def test_a_priority_is_looked_for_in_the_record_that_its_flow_gets(
    home: Home, ports: Ports
) -> None:
    records = [{"a": {"b": 1}}, {"a": {"b": 9}}]
    once(ports, create(home, records, select={"p": "a.b"}))
    assert published(ports) == [1, 0]


def test_of_a_limited_number_only_what_is_taken_is_ordered(home: Home, ports: Ports) -> None:
    batch = once(ports, create(home, max_records=50))
    assert batch.total == 50
    assert published(ports) == [it for it in BY_LEVEL if it < 50]


def test_a_batch_without_records_ends(home: Home, ports: Ports) -> None:
    batch = create(home, [])
    once(ports, batch)
    finalizations_taken(ports)
    assert finalized(ports, batch).state is BatchState.COMPLETED


@pytest.mark.parametrize("concurrency", [None, 20])
def test_a_batch_by_priority_is_whole_in_the_end(
    home: Home, ports: Ports, concurrency: int | None
) -> None:
    batch = home.create(RECORDS, PUPPET, priority_field="p", concurrency=concurrency)
    work(ports)
    home.assert_whole(batch, 600)


@pytest.mark.parametrize("concurrency", [None, 50])
def test_nothing_is_published_by_priority_before_the_order_is_there(
    home: Home, ports: Ports, clock: StillClock, concurrency: int | None
) -> None:
    """The source is read, and the time was over before it was ordered."""
    batch = once(ports, create(home, concurrency=concurrency), after(3))
    assert batch.sealed
    assert not is_dispatchable(batch)
    pause(ports, batch.id)
    resume(ports, batch.id)
    assert advance(ports, batch, None) == 0
    (handed_on,) = fan_outs_taken(ports)
    assert isinstance(handed_on, FanOutMessage)
    assert runs_taken(ports) == []
    memory = Memory()
    for _ in range(3):
        sweep(ports, EMBEDDED, memory)
        clock.pass_(EMBEDDED.quiet_seconds + 1)
    assert any(isinstance(it, FanOutMessage) for it in fan_outs_taken(ports))
    assert runs_taken(ports) == [], "the sweep has the order made first"
    once(ports, batch)
    assert published(ports)[:50] == BY_LEVEL[:50]


# ---------------------------------------------------------- crashes, and time


@pytest.mark.usefixtures("small_parts")
def test_an_order_that_takes_long_is_made_leg_by_leg(home: Home, ports: Ports) -> None:
    batch = create(home)
    legs = 0
    order: list[int] = []
    while not order:
        legs += 1
        batch = once(ports, batch, lambda: True)
        if not is_dispatchable(batch):
            (handed_on,) = fan_outs_taken(ports)
            assert isinstance(handed_on, FanOutMessage)
        else:
            order = published(ports)
    assert order == BY_LEVEL
    assert legs == (2 + 1) + (6 + 1), "each page, the seal, each part, the order"
    assert parts(ports, batch) == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("port", "verb"), [("blobs", "write"), ("blobs", "delete")])
@pytest.mark.parametrize("nth", range(1, 8))
def test_a_fan_out_that_dies_while_it_makes_the_order_is_made_up_for(
    home: Home, ports: Ports, port: str, verb: str, nth: int, when: Any
) -> None:
    batch = create(home)
    dies = with_faults(ports, [Fault(port, verb, when, lose_reply, nth)])
    try:
        once(dies, batch)
    except EngineError:
        assert runs_taken(ports) == []
    else:
        assert (verb, nth) == ("delete", 7), "six parts are removed"
    once(ports, batch)
    assert published(ports)[-600:] == BY_LEVEL
    cancel(ports, batch.id)
    prune_one(ports, finalized(ports, batch).id)
    assert parts(ports, batch) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fan_out_that_dies_between_the_order_and_its_batch_is_made_up_for(
    home: Home, ports: Ports, when: Any
) -> None:
    """The amends are start, seal, order."""
    batch = create(home)
    fault = Fault("batches", "amend", when, lose_reply, nth=amends_before_the_order(home) + 1)
    with pytest.raises(EngineError):
        once(with_faults(ports, [fault]), batch)
    assert is_dispatchable(ports.batches.get(batch.id)) == (when == "after")
    once(ports, batch)
    assert published(ports) == BY_LEVEL


def amends_before_the_order(home: Home) -> int:
    """By another batch's."""
    other = create(home)
    fault = Fault("batches", "amend", "before", lambda: None, nth=1 << 30)
    once(with_faults(home.ports, [fault]), other, after(3))
    taken(home.ports, Station.FAN_OUT)
    return fault.calls


class Names:
    """Those of an engine, with the tokens that were drawn."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.drawn: list[str] = []
        self.batch_id = ids.batch_id
        self.uniform = ids.uniform

    def token(self) -> str:
        self.drawn.append(self._ids.token())
        return self.drawn[-1]


def test_of_two_orders_made_at_once_the_first_counts_and_the_other_is_removed(
    home: Home, ports: Ports
) -> None:
    batch = create(home)

    def another_is_faster() -> None:
        once(ports, batch)

    fault = Fault(
        "batches", "amend", "before", another_is_faster, amends_before_the_order(home) + 1
    )
    names = Names(ports.ids)
    once(replace(with_faults(ports, [fault]), ids=names), batch)
    kept = ports.batches.get(batch.id).order
    assert is_there(ports, kept)
    own = [f"{batch.id}/order-1-{name}" for name in names.drawn]
    assert kept not in own
    assert not any(is_there(ports, it) for it in own)
    assert Counter(published(ports)) == Counter(dict.fromkeys(range(600), 2))


def test_what_is_stopped_while_its_order_is_made_keeps_none(home: Home, ports: Ports) -> None:
    batch = create(home)

    def stop() -> None:
        cancel(ports, batch.id)

    fault = Fault("batches", "amend", "before", stop, amends_before_the_order(home) + 1)
    names = Names(ports.ids)
    once(replace(with_faults(ports, [fault]), ids=names), batch)
    stopped = ports.batches.get(batch.id)
    assert (stopped.is_open, stopped.order) == (False, "")
    assert names.drawn
    assert not any(is_there(ports, f"{batch.id}/order-1-{name}") for name in names.drawn)
    assert published(ports) == []


def test_a_fan_out_that_comes_again_publishes_by_priority_what_is_not_settled(
    home: Home, ports: Ports
) -> None:
    batch = once(ports, create(home))
    published(ports)
    ports.runs.settle(batch, [ok(batch, index) for index in BY_LEVEL[:400]])
    once(ports, batch)
    assert published(ports) == BY_LEVEL[400:]
    assert ports.batches.get(batch.id).order == batch.order


@pytest.mark.parametrize("concurrency", [None, 40])
def test_a_sweep_finds_the_lost_records_of_a_batch_by_priority(
    home: Home, ports: Ports, clock: StillClock, concurrency: int | None
) -> None:
    once(ports, create(home, concurrency=concurrency))
    lost = sorted(published(ports))
    assert lost == sorted(BY_LEVEL[:concurrency])
    memory = Memory()
    for _ in range(3):
        sweep(ports, EMBEDDED, memory)
        clock.pass_(EMBEDDED.quiet_seconds + 1)
    assert sorted({it.index for it in runs_taken(ports)}) == lost


def test_resuming_publishes_by_priority_what_is_not_settled(home: Home, ports: Ports) -> None:
    batch = create(home)
    pause(ports, batch.id)
    once(ports, batch)
    assert published(ports) == []
    resume(ports, batch.id)
    assert published(ports) == BY_LEVEL


def test_a_priority_that_is_none_where_the_order_is_made_fails_the_batch_and_names_it(
    home: Home, ports: Ports
) -> None:
    """Sources are checked before; this one was created by who did not know of it."""
    batch = home.create([{"p": 1}, {"p": "high"}], PUPPET)
    taken(ports, Station.FAN_OUT)
    by_priority = batch.options.model_copy(update={"priority_field": "p"})
    ports.batches.amend(batch.id, lambda it: replace(it, options=by_priority))
    ending = once(ports, batch).ending
    assert ending is not None
    assert "test: record 1: the priority in 'p' is \"high\"" in ending.reason
    assert published(ports) == []


# ----------------------------------------------------------- retry and prune


def ended(home: Home, ports: Ports, bad: set[int], **options: Any) -> Batch:
    batch = fanned_out(ports, create(home, **options))
    runs_taken(ports)
    good = [ok(batch, it) for it in range(600) if it not in bad]
    ports.runs.settle(batch, [*good[:300], *[failed(batch, it) for it in sorted(bad)]])
    ports.runs.settle(batch, good[300:])
    return finalized(ports, batch)


def test_a_retry_dispatches_by_priority(home: Home, ports: Ports) -> None:
    bad = set(range(0, 600, 11))
    retried = retry(ports, ended(home, ports, bad).id, FAILED)
    finalizations_taken(ports)
    fan_outs_taken(ports)
    batch = once(ports, retried.batch)
    assert published(ports) == [it for it in BY_LEVEL if it in bad]
    assert list(indexes_at(ports, batch, range(len(bad)))) == [it for it in BY_LEVEL if it in bad]


def test_a_shuffled_retry_dispatches_by_priority(home: Home, ports: Ports) -> None:
    bad = set(range(0, 600, 5))
    retried = retry(ports, ended(home, ports, bad, shuffle=True, seed=1).id, FAILED)
    fan_outs_taken(ports)
    once(ports, retried.batch)
    order = published(ports)
    assert sorted(order) == sorted(bad)
    assert [LEVELS[it] for it in order] == sorted((LEVELS[it] for it in bad), reverse=True)
    assert order != [it for it in BY_LEVEL if it in bad]


def test_an_order_by_priority_is_removed_by_a_retry_and_by_pruning(
    home: Home, ports: Ports
) -> None:
    first = ended(home, ports, {3})
    assert is_there(ports, first.order)
    retried = retry(ports, first.id, FAILED).batch
    assert not is_there(ports, first.order)
    assert is_there(ports, retried.order)
    second = ended(home, ports, {3})
    prune_one(ports, second.id)
    assert not is_there(ports, second.order)


@pytest.mark.usefixtures("small_parts")
def test_what_was_kept_of_an_order_that_was_never_made_is_pruned(home: Home, ports: Ports) -> None:
    batch = create(home)
    for _ in range(5):
        once(ports, batch, lambda: True)
    assert parts(ports, batch) == [0, 100]
    cancel(ports, batch.id)
    prune_one(ports, finalized(ports, batch).id)
    assert parts(ports, batch) == []
