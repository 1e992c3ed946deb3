"""Looking for the slowest runs: seldom, and never so that one has to wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from fanfold.cli.slowest import SHOWN, Slowest
from fanfold.domain.batch import Batch
from fanfold.domain.run import Run
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.errors import EngineError
from fanfold.ports import Ports
from fanfold.testing.conformance.rig import new_batch, ok, sealed, with_records
from fanfold.testing.faults import Fault, lose_reply, with_faults


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    with embedded_engine(tmp_path / "home") as ports:
        yield ports


@pytest.fixture
def batch(ports: Ports) -> Batch:
    return sealed(ports, with_records(ports, new_batch(ports), 20))


def settle(ports: Ports, batch: Batch, *indexes: int) -> None:
    """Each takes as many seconds as its index."""
    ports.runs.settle(batch, [replace(ok(batch, it), seconds=float(it)) for it in indexes])


def indexes(runs: tuple[Run, ...]) -> list[int]:
    return [run.index for run in runs]


def until_found(slowest: Slowest, settled: int) -> list[int]:
    """As somebody who watches finds out: by looking again."""
    while not (found := slowest.among(settled)):
        pass
    return indexes(found)


def test_whoever_waits_for_it_learns_it_at_once(ports: Ports, batch: Batch) -> None:
    settle(ports, batch, *range(10))

    with Slowest(ports.runs, batch.id) as slowest:
        assert indexes(slowest.among(10, wait=True)) == [9, 8, 7, 6, 5]
    assert SHOWN == 5


def test_a_slow_look_holds_nobody_up(ports: Ports, batch: Batch) -> None:
    settle(ports, batch, 1, 2)
    gate = Event()

    def hold() -> None:
        gate.wait()

    held = Fault("runs", "slowest", "before", hold)

    with Slowest(with_faults(ports, [held]).runs, batch.id) as slowest:
        assert slowest.among(2) == slowest.among(2) == ()
        gate.set()
        assert until_found(slowest, 2) == [2, 1]
    assert held.calls == 1


@pytest.mark.parametrize(("later", "looks"), [(4.9, 1), (5.1, 2)])
def test_it_is_looked_for_seldom(ports: Ports, batch: Batch, later: float, looks: int) -> None:
    clock, counted = Clock(), Fault("runs", "slowest", "before", lambda: None)
    settle(ports, batch, 1, 2)

    with Slowest(with_faults(ports, [counted]).runs, batch.id, clock) as slowest:
        assert until_found(slowest, 2) == [2, 1]
        settle(ports, batch, 3)
        clock.now += later
        slowest.among(3)

    assert counted.calls == looks


def test_it_is_looked_for_only_when_something_has_been_settled(ports: Ports, batch: Batch) -> None:
    clock, counted = Clock(), Fault("runs", "slowest", "before", lambda: None)
    settle(ports, batch, 1, 2)

    with Slowest(with_faults(ports, [counted]).runs, batch.id, clock) as slowest:
        assert until_found(slowest, 2) == [2, 1]
        clock.now += 3600
        assert indexes(slowest.among(2, wait=True)) == [2, 1]

    assert counted.calls == 1


@pytest.mark.parametrize(("later", "looks"), [(19.0, 1), (21.0, 2)])
def test_the_longer_it_takes_the_less_often_it_is_done(
    ports: Ports, batch: Batch, later: float, looks: int
) -> None:
    clock = Clock()

    def take_a_second() -> None:
        clock.now += 1.0

    slow = Fault("runs", "slowest", "before", take_a_second)
    settle(ports, batch, 1)

    with Slowest(with_faults(ports, [slow]).runs, batch.id, clock) as slowest:
        assert until_found(slowest, 1) == [1]
        settle(ports, batch, 2)
        clock.now += later
        slowest.among(2)

    assert slow.calls == looks


def test_what_goes_wrong_is_told_to_whoever_watches(ports: Ports, batch: Batch) -> None:
    lost = Fault("runs", "slowest", "before", lose_reply)
    settle(ports, batch, 1)

    with (
        Slowest(with_faults(ports, [lost]).runs, batch.id) as slowest,
        pytest.raises(EngineError),
    ):
        slowest.among(1, wait=True)
