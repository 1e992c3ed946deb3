"""A worker takes on no more than its bounds allow, and leaves the rest to others."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.records import MAX_INLINE_BYTES
from fanfold.ports import Station
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.home import Home
from fanfold.testing.puppet import marks
from fanfold.testing.stations import fanned_out
from fanfold.testing.working import until, working
from fanfold.worker.bounds import Bounds
from fanfold.worker.gauges import Unreadable
from tests.unit.worker.bounded import Readings, working_within

PUPPET = "fanfold.testing.puppet:puppet"
MANY = 20


def is_ended(home: Home, batch: Batch) -> bool:
    return home.ports.batches.get(batch.id).ended


def all_begin(home: Home, bounds: Bounds, marked: str, gate: Path, size: int, own: int) -> int:
    """What a worker within bounds holds of MANY runs when all have begun, with another one's help,
    which comes when it has begun with its `own`."""
    record = {"do": "hang", "gate": str(gate), "log": marked, "padding": "x" * size}
    batch = home.create([record] * MANY, PUPPET)
    with working_within(home.ports, bounds, threads=MANY) as (worker, _):
        until(lambda: len(marks(marked)) == own)
        with working(home.ports, threads=MANY):
            until(lambda: len(marks(marked)) == MANY)
            held = len(worker._hand.held())
            gate.touch()
            until(lambda: is_ended(home, batch))
    home.assert_whole(batch, MANY)
    return held


def test_a_worker_holds_no_more_messages_than_it_may(home: Home, marked: str, gate: Path) -> None:
    assert all_begin(home, Bounds(messages=3), marked, gate, size=10, own=3) == 3


def test_a_worker_pulls_nothing_while_it_holds_as_many_bytes_as_it_may(
    home: Home, marked: str, gate: Path
) -> None:
    """The fourth is pulled below the bound, and passes it."""
    bounds = Bounds(bytes=35_000)
    assert all_begin(home, bounds, marked, gate, size=10_000, own=4) == 4


def test_before_it_has_seen_any_it_takes_messages_for_large(
    home: Home, marked: str, gate: Path
) -> None:
    """Or the first pull would be as many as there are lanes."""
    bounds = Bounds(bytes=64 * 1024)
    assert all_begin(home, bounds, marked, gate, size=60_000, own=2) == 2


def test_once_it_has_seen_some_it_goes_by_them(home: Home, marked: str, gate: Path) -> None:
    """By what messages may be, each pull would be for three or four."""
    pulls = Fault("queue", "pull", "before", lambda: None, station=Station.RUNS)
    record = {"do": "hang", "gate": str(gate), "log": marked}
    batch = fanned_out(home.ports, home.create([record] * MANY, PUPPET))
    bounds = Bounds(bytes=4 * MAX_INLINE_BYTES)
    with working_within(with_faults(home.ports, [pulls]), bounds, threads=MANY):
        until(lambda: len(marks(marked)) == MANY)
        assert pulls.calls <= 4
        gate.touch()
        until(lambda: is_ended(home, batch))


def test_what_is_larger_than_all_that_may_be_held_gets_through_one_by_one(home: Home) -> None:
    batch = home.create([{"do": "ok", "padding": "x" * 1000}] * 5, PUPPET)
    with working_within(home.ports, Bounds(messages=1, bytes=1)):
        until(lambda: is_ended(home, batch))
    home.assert_whole(batch, 5)


@pytest.mark.parametrize(
    ("bounds", "high"),
    [
        (Bounds(memory=100), Readings(bytes=101)),
        (Bounds(memory_share=0.8), Readings(share=0.81)),
        (Bounds(load=2.0), Readings(average=2.1)),
    ],
    ids=["memory", "share", "load"],
)
def test_a_worker_under_pressure_pulls_nothing_until_it_is_over(
    home: Home, caplog: pytest.LogCaptureFixture, bounds: Bounds, high: Readings
) -> None:
    caplog.set_level(logging.WARNING)
    pulls = Fault("queue", "pull", "before", lambda: None, station=Station.RUNS)
    batch = home.create([{"do": "ok"}] * 5, PUPPET)

    with working_within(with_faults(home.ports, [pulls]), bounds, gauges=high):
        until(lambda: home.ports.queue.backlog(Station.RUNS) == 5)
        assert pulls.calls == 0
        assert "worker.paused" in caplog.text
        high.bytes, high.share, high.average = 0, 0.0, 0.0
        until(lambda: is_ended(home, batch))

    assert "worker.resumed" in caplog.text
    home.assert_whole(batch, 5)


def test_what_is_held_is_finished_under_pressure_too(
    home: Home, marked: str, gate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    gauges = Readings()
    batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)

    with working_within(home.ports, Bounds(memory=100), gauges=gauges):
        until(lambda: marks(marked))
        gauges.bytes = 101
        until(lambda: "worker.paused" in caplog.text)
        gate.touch()
        until(lambda: is_ended(home, batch))

    home.assert_whole(batch, 1)
    assert "worker.resumed" not in caplog.text


def test_a_worker_that_cannot_read_what_it_is_to_keep_within_does_not_begin(home: Home) -> None:
    batch = fanned_out(home.ports, home.create([1], PUPPET))
    with (
        pytest.raises(Unreadable),
        working_within(home.ports, Bounds(memory=100), gauges=Readings(bytes=None)),
    ):
        pass
    assert home.ports.queue.backlog(Station.RUNS) == 1
    assert home.status(batch).counts.settled == 0
