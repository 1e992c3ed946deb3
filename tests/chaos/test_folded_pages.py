"""A large fold is made by all workers, page by page, and processes die: it is made once, and whole.

The sweep is off, so that it cannot hide a hole in the protocol.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.steps.family import children_of
from fanfold.testing.home import Home

FLOWS = Path(__file__).with_name("waits.py")
RECORDS = 31


def assert_folded(home: Home, batch: Batch) -> None:
    home.assert_whole(batch, RECORDS)
    output = home.ports.batches.get(batch.id).output
    assert output is not None
    assert json.loads(output.text or "") == list(range(RECORDS)), "in record order, each once"
    (pages,) = children_of(home.ports, batch.id)
    home.assert_whole(pages, 16)


def test_the_pages_are_made_apart_and_combined_in_order(home: Home) -> None:
    batch = home.create(list(range(RECORDS)), f"{FLOWS}:paged")
    assert home.work() == 0
    assert_folded(home, batch)


def test_duplicate_deliveries_fold_once(home: Home) -> None:
    batch = home.create(list(range(RECORDS)), f"{FLOWS}:paged")
    assert home.work(act="twice") == 0
    assert_folded(home, batch)


@pytest.mark.parametrize(
    "fault",
    [
        ("batches", "create", "before", 1, None),
        ("batches", "create", "after", 1, None),
        ("queue", "publish", "after", 2, "finalizations"),
        ("batches", "close", "after", 1, None),
        ("batches", "close", "before", 2, None),
        ("batches", "close", "after", 2, None),
        ("batches", "close", "after", 3, None),
    ],
    ids=lambda fault: "-".join(map(str, fault[:4])),
)
def test_a_fold_is_whole_wherever_a_process_dies(home: Home, fault: tuple[Any, ...]) -> None:
    batch = home.create(list(range(RECORDS)), f"{FLOWS}:paged")
    assert home.work(fault) == -signal.SIGKILL, "the fault was never reached"
    assert home.work() == 0
    assert_folded(home, batch)


def test_a_page_that_fails_fails_the_fold_and_the_results_are_kept(home: Home) -> None:
    batch = home.create(list(range(RECORDS)), f"{FLOWS}:refused", retries=0)
    assert home.work() == 0
    ended = home.ports.batches.get(batch.id)
    assert ended.state is BatchState.FAILED
    assert ended.failure is not None
    assert ended.failure.message == "the fold failed: page 3 of it: ValueError: not seven"
    assert home.status(batch).counts.succeeded == RECORDS


def test_few_results_are_folded_at_once(home: Home) -> None:
    batch = home.create(list(range(8)), f"{FLOWS}:paged")
    assert home.work() == 0
    home.assert_whole(batch, 8)
    assert list(children_of(home.ports, batch.id)) == []
