from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from pydantic import BaseModel

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.errors import FlowInvalid
from fanfold.folds.apply import apply_fold


@dataclass
class Summary:
    count: int
    on: date


class Model(BaseModel):
    count: int


def results(count: int = 3) -> Iterator[Result]:
    for index in range(count):
        yield Result(index, None, RunState.SUCCEEDED, text=str(index))


def folded(fold: Callable[[Iterable[Any]], Any]) -> str:
    return apply_fold(fold, results())


def test_a_fold_is_given_the_results_in_order_and_gives_json() -> None:
    assert folded(lambda given: [it.output for it in given]) == "[0, 1, 2]"


def test_a_fold_may_stop_early_or_look_at_nothing() -> None:
    assert folded(lambda given: next(iter(given)).index) == "0"
    assert folded(lambda _: None) == "null"


def test_a_fold_is_given_one_result_at_a_time() -> None:
    taken = 0

    def endless() -> Iterator[Result]:
        nonlocal taken
        while True:
            taken += 1
            yield Result(0, None, RunState.QUEUED)

    apply_fold(lambda given: next(iter(given)).index, endless())
    assert taken == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Summary(3, date(2024, 2, 29)), '{"count": 3, "on": "2024-02-29"}'),
        (Model(count=3), '{"count": 3}'),
        ({"models": [Model(count=3)]}, '{"models": [{"count": 3}]}'),
        ((1, "é\ud800"), r'[1, "\u00e9\ud800"]'),
    ],
)
def test_models_and_dataclasses_are_what_they_describe(value: Any, text: str) -> None:
    assert folded(lambda _: value) == text


def circle() -> list[Any]:
    it: list[Any] = []
    it.append(it)
    return it


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({1}, "the fold returned a set that is not JSON: a set in it is not JSON"),
        ({"on": date(2024, 2, 29)}, "the fold returned a dict that is not JSON: a date in it"),
        (float("nan"), "the fold returned a float that is not JSON: Out of range"),
        ((it for it in "ab"), "the fold returned a generator that is not JSON: it yields; it must"),
        (Summary, "the fold returned a type that is not JSON"),
        (circle(), "the fold returned a list that is not JSON: Circular reference"),
    ],
)
def test_what_is_not_json_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(FlowInvalid, match=rf"^{problem}"):
        folded(lambda _: value)


def test_an_async_fold_is_refused_and_leaves_nothing_unawaited() -> None:
    async def fold(given: Iterable[Any]) -> int:
        return len(list(given))

    with pytest.raises(FlowInvalid, match="the fold is async"):
        folded(fold)


def test_what_a_fold_raises_is_its_own() -> None:
    def fold(_: Iterable[Any]) -> None:
        raise KeyError("price")

    with pytest.raises(KeyError, match="price"):
        folded(fold)
