"""Retries whose processes die at each call that matters: what was chosen runs again, the others'
results stay, everything adds up. On both engines; processes really die, by SIGKILL."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.run import RunState
from fanfold.errors import Conflict
from fanfold.steps.retry import Selection, retry
from fanfold.steps.sweep import Memory, sweep
from fanfold.testing.home import Home
from tests.chaos.test_crash_table import (
    FAILED,
    FLOWS,
    LIMITS,
    RECORDS,
    assert_whole,
    impatient,
)

OF_FAILED = Selection(states=frozenset({RunState.FAILED}), what="--failed")
MENDED = {"parameters": {"mended": True}}


def ended(home: Home, concurrency: int | None = None) -> Batch:
    """Six of its records have failed."""
    batch = home.create(RECORDS, f"{FLOWS}:counted", concurrency=concurrency)
    assert home.work() == 0
    assert_whole(home, batch, len(RECORDS), FAILED)
    return batch


def assert_mended(home: Home, batch: Batch, generation: int = 2) -> None:
    assert_whole(home, batch, len(RECORDS))
    assert home.ports.batches.get(batch.id).generation == generation


@pytest.mark.parametrize(
    "fault",
    [("blobs", "write", "after", 1, None), ("batches", "reopen", "before", 1, None)],
    ids=["its order is kept", "it is about to open"],
)
def test_who_dies_before_a_batch_is_opened_again_leaves_it_as_it_was(
    home: Home, fault: tuple[Any, ...]
) -> None:
    batch = ended(home)
    assert home.retry(batch, OF_FAILED, MENDED, fault) == -signal.SIGKILL
    assert_whole(home, batch, len(RECORDS), FAILED)
    assert home.retry(batch, OF_FAILED, MENDED) == 0
    assert home.work() == 0
    assert_mended(home, batch)


@LIMITS
def test_who_dies_after_it_is_made_up_for_by_the_sweep(home: Home, concurrency: int | None) -> None:
    batch = ended(home, concurrency)
    fault = ("batches", "reopen", "after", 1, None)
    assert home.retry(batch, OF_FAILED, MENDED, fault) == -signal.SIGKILL
    assert home.ports.batches.get(batch.id).state is BatchState.PENDING
    with pytest.raises(Conflict):
        retry(home.ports, batch.id, OF_FAILED)
    memory = Memory()
    for _ in range(2):
        sweep(home.ports, impatient(), memory)
    assert home.work() == 0
    assert_mended(home, batch)


@LIMITS
@pytest.mark.parametrize(
    "fault",
    [
        ("leases", "clear", "after", 1, None),
        ("runs", "clear", "before", 1, None),
        ("runs", "clear", "after", 1, None),
        ("runs", "settle", "before", 1, None),
        ("runs", "settle", "after", 1, None),
        ("queue", "ack", "before", 1, None),
        ("queue", "publish", "before", 1, "finalizations"),
        ("batches", "close", "after", 1, None),
    ],
    ids=lambda fault: " ".join(map(str, fault[:3])),
)
def test_a_worker_that_dies_within_a_retry_loses_and_doubles_nothing(
    home: Home, concurrency: int | None, fault: tuple[Any, ...]
) -> None:
    batch = ended(home, concurrency)
    assert home.retry(batch, OF_FAILED, MENDED) == 0
    assert home.work(fault) == -signal.SIGKILL, "the fault was never reached"
    assert home.work() == 0
    assert_mended(home, batch)


def test_one_that_dies_in_each_of_two_generations_keeps_what_both_have_made(home: Home) -> None:
    batch = ended(home)
    fault = ("runs", "settle", "after", 1, None)
    for generation in (2, 3):
        changes = MENDED if generation == 3 else {}
        assert home.retry(batch, OF_FAILED, changes) == 0
        assert home.work(fault) == -signal.SIGKILL
        assert home.work() == 0
        assert_whole(home, batch, len(RECORDS), FAILED if generation == 2 else 0)
    assert_mended(home, batch, generation=3)
