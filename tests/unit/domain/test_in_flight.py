"""How many records a batch lets out at once for which nobody has said it."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.in_flight import adapted, concurrency_of, threads_worth, with_limit
from fanfold.domain.options import BatchOptions


@pytest.mark.parametrize(
    ("rate", "expected"),
    [("10/s", 200), ("600/min", 200), ("1000/s", 1000), ("1/h", 10), ("33/min", 11)],
)
def test_a_rate_alone_lets_out_what_it_can_use(rate: str, expected: int) -> None:
    assert concurrency_of(BatchOptions(rate=rate)) == expected
    assert with_limit(BatchOptions(rate=rate)).concurrency == expected


def test_a_limit_that_is_named_holds() -> None:
    options = BatchOptions(rate="10/s", concurrency=5000)
    assert with_limit(options) is options


def test_without_a_rate_there_is_none() -> None:
    assert concurrency_of(BatchOptions()) is None
    assert with_limit(BatchOptions()) == BatchOptions()


def test_what_came_of_the_rate_follows_it() -> None:
    before = with_limit(BatchOptions(rate="10/s"))
    raised = before.model_copy(update={"rate": "40/s"})
    assert adapted(before, raised).concurrency == 800


@pytest.mark.parametrize(
    ("before", "changes", "expected"),
    [
        (BatchOptions(rate="10/s", concurrency=7), {"rate": "40/s"}, 7),
        (with_limit(BatchOptions(rate="10/s")), {"rate": "40/s", "concurrency": 3}, 3),
        (with_limit(BatchOptions(rate="10/s")), {"rate": None}, 200),
        (BatchOptions(concurrency=7), {"rate": "40/s"}, 7),
    ],
    ids=["named before", "named with it", "without a rate", "had none"],
)
def test_what_somebody_named_stays(
    before: BatchOptions, changes: dict[str, object], expected: int
) -> None:
    assert adapted(before, before.model_copy(update=changes)).concurrency == expected


@pytest.mark.parametrize(
    ("given", "threads"),
    [
        ({}, None),
        ({"concurrency": 50}, 50),
        ({"rate": "60/min"}, 20),
        ({"canary": 5}, None),
        ({"max_spend": 5.0}, None),
        ({"max_spend": 5.0, "concurrency": 200}, 200),
        ({"canary": 5, "concurrency": 200}, 200),
    ],
)
def test_a_limit_that_nobody_named_is_worth_no_threads(
    given: dict[str, Any], threads: int | None
) -> None:
    options = BatchOptions(**given)
    assert threads_worth(options) == threads
    assert threads_worth(with_limit(options)) == threads
