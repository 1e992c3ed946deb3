"""Whose messages a process pulls."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.flow import IN_MEMORY, FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.source import Source
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.embedded.scope import Scope
from fanfold.ports import Ports, Station

MINE, THEIRS = "batch-mmmmmmmmmmmmmmmm", "batch-tttttttttttttttt"


def create(ports: Ports, batch_id: str, place: str, *, folds: bool = False) -> None:
    ports.batches.create(
        Batch(
            id=batch_id,
            flow=FlowRef("shout", "1", place, folds=folds),
            source=Source("blob", "records"),
            options=BatchOptions(),
            request_digest="",
            created_at=0.0,
        )
    )


def pulled(ports: Ports, station: Station = Station.RUNS) -> list[bytes]:
    return sorted(it.body for it in ports.queue.pull(station, 1000))


@pytest.fixture
def narrow(home: Path) -> Iterator[Ports]:
    """An engine of the process that has the flow of the one batch."""
    with embedded_engine(home, only=MINE) as ports:
        yield ports


def test_runs_of_a_flow_in_memory_are_left_to_the_process_that_has_it(
    ports: Ports, narrow: Ports
) -> None:
    create(ports, MINE, f"{IN_MEMORY}shout")
    create(ports, THEIRS, "flows:shout")
    ports.queue.publish(Station.RUNS, MINE, [b"mine"] * 3)
    ports.queue.publish(Station.RUNS, THEIRS, [b"theirs"])
    assert pulled(ports) == [b"theirs"]
    assert pulled(ports) == []
    (first, *_) = narrow.queue.pull(Station.RUNS, 10)
    assert (first.body, first.attempt) == (b"mine", 1)


def test_who_works_on_one_batch_gets_nothing_of_another(ports: Ports, narrow: Ports) -> None:
    create(ports, MINE, "flows:shout")
    create(ports, THEIRS, "flows:shout")
    for station in (Station.RUNS, Station.FAN_OUT, Station.FINALIZATIONS):
        ports.queue.publish(station, THEIRS, [b"theirs"])
        ports.queue.publish(station, MINE, [b"mine"])
        assert pulled(narrow, station) == [b"mine"]
        assert pulled(narrow, station) == []


def test_a_batch_whose_flow_is_in_a_file_is_everybody_s(ports: Ports) -> None:
    create(ports, MINE, "flows:shout")
    ports.queue.publish(Station.RUNS, MINE, [b"mine"])
    assert pulled(ports) == [b"mine"]


@pytest.mark.parametrize(("folds", "pulls"), [(True, []), (False, [b"end"])])
def test_a_finalization_is_left_only_where_it_needs_the_flow(
    ports: Ports, folds: bool, pulls: list[bytes]
) -> None:
    create(ports, MINE, f"{IN_MEMORY}shout", folds=folds)
    ports.queue.publish(Station.FINALIZATIONS, MINE, [b"end"])
    ports.queue.publish(Station.FAN_OUT, MINE, [b"begin"])
    assert pulled(ports, Station.FINALIZATIONS) == pulls
    assert pulled(ports, Station.FAN_OUT) == [b"begin"]


def test_what_is_left_behind_hides_nobody_else(ports: Ports) -> None:
    """Also once it is known, and not looked at any more."""
    create(ports, MINE, f"{IN_MEMORY}shout")
    create(ports, THEIRS, "flows:shout")
    for _ in range(3):
        ports.queue.publish(Station.RUNS, MINE, [b"mine"] * 500)
        ports.queue.publish(Station.RUNS, THEIRS, [b"theirs"])
        assert pulled(ports) == [b"theirs"]


def test_what_was_met_before_is_asked_of_the_condition_alone() -> None:
    scope = Scope()
    assert scope.where(Station.RUNS)[1] == "[]"
    only = "batch IN (SELECT id FROM batches WHERE root = ?)"
    assert Scope("batch").where(Station.RUNS) == (only, "batch")
