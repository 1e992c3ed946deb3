from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from fanfold.domain.options import BatchOptions, options_from
from fanfold.errors import OptionInvalid

GOOD: dict[str, list[Any]] = {
    "concurrency": [1, 100_000],
    "managers": [[], ["ann@example.com", "group:editors"], ["all"]],
    "monitors": [[], ["ann@example.com", "group:editors"], ["all"]],
    "rate": ["10/s", "600/min", "0.5/h", "1/day"],
    "max_records": [0, 1, 10**9],
    "error_policy": ["continue", "stop"],
    "max_failures": [0, 20, "3%", "100%", "0.125%"],
    "max_spend": [0, 0.000_5, 20, 1_000_000.0],
    "canary": [1, 100_000],
    "interactive": [True, False],
    "deadline": [0.5, 60, 31_536_000.0],
    "shuffle": [True, False],
    "seed": [0, 7, (1 << 63) - 1],
    "key": ["id", "url"],
    "unique_keys": [True, False],
    "priority_field": ["urgency", "a.b.0", "."],
    "select": [{}, {"text": "body.items.0.text", "all": "."}],
    "grid": [{}, {"model": ["small", None], "n": [1]}, {"n": list(range(1000))}],
    "parameters": [{}, {"model": "small", "n": [1, None]}],
    "retries": [0, 100],
    "timeout": [0.001, 60, 604_800.0],
    "priority": ["high", "normal", "low"],
    "after": [[], ["batch-aaaaaaaaaaaaaaaa"], [f"batch-{n:a>16}" for n in range(2, 8)]],
    "after_on": ["success", "end"],
    "label": ["", "x" * 200],
    "tags": [[], ["a"], ["x" * 100] * 50],
}

MANY = [f"batch-{'a' * 13}{a}{b}{c}" for a in "abcde" for b in "abcde" for c in "abcde"]

BAD: dict[str, list[Any]] = {
    "concurrency": [0, -1, 100_001, 1.5, "5", True, float("nan")],
    "managers": ["ann@example.com", [""], [1], ["a"] * 101, {}],
    "monitors": ["ann@example.com", [""], [1], ["a"] * 101, {}],
    "rate": ["0/s", "-1/s", "10", "many", "10/year", "200000/s", 10, 1.5, True],
    "max_records": [-1, 2.0, "all", False],
    "error_policy": ["ignore", True],
    "max_failures": [-1, 1.5, True, "3", "101%", "1.2345%", "%", "lots"],
    "max_spend": [-0.01, 1_000_001, "$5", float("nan"), float("inf"), True],
    "interactive": [1, 0, "yes", []],
    "canary": [0, -1, 100_001, 1.5, "10", "3%", True],
    "deadline": [0, -1.0, 31_536_001, "1h", float("nan"), True],
    "shuffle": [1, "yes"],
    "seed": [-1, 1 << 63, 1.0, True, "7"],
    "key": [7, ["id"]],
    "unique_keys": [1, "yes"],
    "priority_field": ["", 3, True, ["a"]],
    "select": [["text"], {"": "a"}, {"a": ""}, {"a": 1}, "a=b"],
    "grid": [[], {"": [1]}, {"a": []}, {"a": 1}, {"a": [(1,)]}, {"a": [float("nan")]}],
    "parameters": [[], "a=b", {1: 2}],
    "retries": [-1, 101, 1.0, True],
    "timeout": [0, -1.0, 604_801, "60", float("nan"), float("inf"), True],
    "priority": ["urgent", "HIGH", "", 1, True],
    "after": ["batch-aaaaaaaaaaaaaaaa", ["last"], [""], [7], ["batch-" + "a" * 15], MANY, {}],
    "after_on": ["failure", "", True],
    "label": ["x" * 201, 7],
    "tags": ["a", [""], [7], ["x" * 101], ["a"] * 51, {"a"}],
}


def cases(table: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    return [(name, value) for name, values in table.items() for value in values]


def test_every_option_is_tried_here() -> None:
    assert set(GOOD) == set(BAD) == set(BatchOptions.model_fields)


@pytest.mark.parametrize(("name", "value"), cases(GOOD))
def test_an_option_within_its_bounds_is_taken_as_it_is(name: str, value: Any) -> None:
    needed = {"shuffle": True} if name == "seed" else {}
    assert getattr(options_from({**needed, name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), cases(BAD))
def test_an_option_beyond_its_bounds_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(OptionInvalid, match=f"^option {name}") as refused:
        options_from({name: value})
    assert "\n" not in str(refused.value)


def test_a_wrong_element_is_named_with_its_place() -> None:
    with pytest.raises(OptionInvalid, match=r"^option tags\.1: .*, not 7$"):
        options_from({"tags": ["a", 7]})


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        OptionInvalid, match="no option 'concurency'; there are: concurrency, rate, err"
    ):
        options_from({"concurency": 5})


def test_a_grid_is_of_at_most_a_thousand_combinations() -> None:
    ten = list(range(10))
    assert options_from({"grid": {"a": ten, "b": ten, "c": ten}}).grid["c"] == ten
    with pytest.raises(
        OptionInvalid, match=r"^option grid: .*must have at most 1,000 combinations"
    ):
        options_from({"grid": {"a": ten, "b": ten, "c": [*ten, 10]}})


def test_an_option_that_is_none_was_not_given() -> None:
    assert options_from(dict.fromkeys(BatchOptions.model_fields)) == BatchOptions()


def test_options_do_not_change_once_given() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        BatchOptions().concurrency = 5  # type: ignore[misc]


def test_two_batches_do_not_share_their_parameters() -> None:
    BatchOptions().parameters["model"] = "large"
    assert BatchOptions().parameters == {}
