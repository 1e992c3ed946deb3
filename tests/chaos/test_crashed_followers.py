"""Batches that come after others, where whoever is to bring them on dies: they begin, or are
skipped, all the same. On both engines; processes really die, by SIGKILL, and nobody sweeps."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.testing.home import Home
from tests.chaos.test_crash_table import FLOWS, assert_whole

GOOD: list[dict[str, Any]] = [{"n": n} for n in range(10)]
BAD: list[dict[str, Any]] = [{"n": n, "fail": True} for n in range(10)]

DEATHS = pytest.mark.parametrize(
    "fault",
    [
        ("batches", "followers", "before", 1, None),
        ("batches", "followers", "after", 1, None),
    ],
    ids=["the end is stored", "they are found"],
)


def create(home: Home, records: list[dict[str, Any]], *after: Batch) -> Batch:
    ids = [it.id for it in after]
    return home.create(records, f"{FLOWS}:counted", concurrency=3, after=ids)


def chain(home: Home, first: list[dict[str, Any]]) -> list[Batch]:
    one = create(home, first)
    two = create(home, GOOD, one)
    return [one, two, create(home, GOOD, one, two)]


@DEATHS
def test_who_dies_when_a_batch_has_ended_leaves_nobody_waiting(
    home: Home, fault: tuple[Any, ...]
) -> None:
    batches = chain(home, GOOD)
    assert home.work(fault) == -signal.SIGKILL
    assert home.work() == 0
    for it in batches:
        assert_whole(home, it, len(GOOD))


@DEATHS
def test_nor_when_one_has_failed(home: Home, fault: tuple[Any, ...]) -> None:
    first, *rest = chain(home, BAD)
    assert home.work(fault) == -signal.SIGKILL
    assert home.work() == 0
    assert home.status(first).batch.state is BatchState.FAILED
    for it in rest:
        status = home.status(it)
        assert status.batch.state is BatchState.SKIPPED
        assert status.tally.attempts == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_who_dies_when_one_is_asked_to_begin_is_made_up_for(home: Home, when: str) -> None:
    one = create(home, GOOD)
    two = create(home, GOOD, one)
    # with a limit no page is published: a worker's first message there is for what follows
    assert home.work(("queue", "publish", when, 1, "fan-out")) == -signal.SIGKILL
    assert home.status(one).batch.state is BatchState.COMPLETED
    assert home.work() == 0
    assert_whole(home, two, len(GOOD))
