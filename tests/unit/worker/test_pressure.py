"""Whether to take on more, told by what the machine tells."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from fanfold.testing.clock import StillClock
from fanfold.worker.bounds import MIB, Bounds
from fanfold.worker.gauges import Unreadable
from fanfold.worker.pressure import Pressure, limits_of
from tests.unit.worker.bounded import Readings

Said = Callable[[], list[str]]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


class Watched:
    """A pressure, looked at once a second."""

    def __init__(self, bounds: Bounds, gauges: Readings) -> None:
        self._clock = StillClock()
        self._pressure = Pressure(limits_of(bounds, gauges), self._clock.now)

    def high(self, seconds: float = 1.0) -> bool:
        self._clock.pass_(seconds)
        self._pressure.look()
        return self._pressure.is_high


def test_above_its_memory_it_pauses_once_and_resumes_well_below(said: Said) -> None:
    gauges = Readings(bytes=100 * MIB)
    watched = Watched(Bounds(memory=100 * MIB), gauges)

    assert not watched.high(), "at the bound is not above it"
    gauges.bytes = 101 * MIB
    assert [watched.high(), watched.high()] == [True, True]
    assert "".join(said()) == (
        "worker.paused: nothing is pulled until memory is below 90.0 MiB (it is 101.0 MiB, above "
        "100.0 MiB)"
    )
    gauges.bytes = 91 * MIB
    assert watched.high(), "or it would flap"
    gauges.bytes = 89 * MIB
    assert [watched.high(), watched.high()] == [False, False]
    assert said()[1:] == ["worker.resumed: it pulls again: memory is 89.0 MiB"]


def test_a_share_of_the_machine_s_memory_is_a_bound_as_well(said: Said) -> None:
    assert Watched(Bounds(memory_share=0.8), Readings(share=0.81)).high()
    assert "the machine's memory is below 72.0% (it is 81.0%, above 80.0%)" in said()[0]


def test_so_is_the_load(said: Said) -> None:
    assert Watched(Bounds(load=2.0), Readings(average=2.5)).high()
    assert "load is below 1.80 (it is 2.50, above 2.00)" in said()[0]


def test_it_resumes_when_all_of_them_are_low() -> None:
    gauges = Readings(bytes=200, average=3.0)
    watched = Watched(Bounds(memory=100, load=2.0), gauges)

    assert watched.high()
    gauges.bytes = 50
    assert watched.high()
    gauges.average = 1.0
    assert not watched.high()


def test_it_looks_once_a_second_however_often_it_is_asked_to() -> None:
    gauges = Readings()
    watched = Watched(Bounds(load=2.0), gauges)
    before = gauges.asked
    for _ in range(100):
        watched.high(0.01)
    assert gauges.asked - before in (1, 2)


def test_without_bounds_nothing_is_read() -> None:
    gauges = Readings(bytes=None, share=None, average=None)
    assert not Watched(Bounds(), gauges).high()
    assert gauges.asked == 0


@pytest.mark.parametrize("bounds", [Bounds(memory=1), Bounds(memory_share=0.5), Bounds(load=1.0)])
def test_what_cannot_be_read_is_refused_at_the_start(bounds: Bounds) -> None:
    with pytest.raises(Unreadable):
        limits_of(bounds, Readings(bytes=None, share=None, average=None))


def test_what_cannot_be_read_any_more_stops_nobody_and_is_said_once(said: Said) -> None:
    gauges = Readings(average=3.0)
    watched = Watched(Bounds(load=2.0), gauges)
    assert watched.high()
    gauges.average = None
    assert [watched.high(), watched.high()] == [False, False]
    assert sum("pressure.unreadable" in line for line in said()) == 1
