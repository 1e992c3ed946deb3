"""The priority of a record: what is one, and what order it makes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.levels import arranged, by_level, level_of, take_order
from fanfold.errors import IllegalTransition
from tests.unit.domain.test_order import SEEDS, batch

LEVELS = st.binary(max_size=2000).map(lambda data: bytes(it % 10 for it in data))


@pytest.mark.parametrize(
    ("data", "level"),
    [
        ({"urgency": 0}, 0),
        ({"urgency": 9}, 9),
        ({"urgency": "7"}, 7),
        ({}, 0),
        ({"other": 3}, 0),
        ([1, 2], 0),
        (7, 0),
    ],
)
def test_a_level_is_a_number_from_0_to_9_and_0_where_there_is_none(data: Any, level: int) -> None:
    assert level_of(data, "urgency") == level


def test_a_field_is_a_place_as_those_of_select() -> None:
    assert level_of({"a": {"b": [4, 5]}}, "a.b.1") == 5
    assert level_of({"a": {"b": [4]}}, "a.b.1") == 0
    assert level_of({"a.b": 3}, "a.b") == 3
    assert level_of(8, ".") == 8


@pytest.mark.parametrize(
    "value", ["high", "12", "", 3.5, 3.0, True, False, None, 12, 10, -1, [], {}]
)
def test_anything_else_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(ValueError, match=r"the priority in 'urgency' is .* from 0 to 9") as error:
        level_of({"urgency": value}, "urgency")
    assert f"is {json.dumps(value)}, and" in str(error.value)


def test_a_long_value_is_not_told_in_full() -> None:
    with pytest.raises(ValueError, match="…, and must") as error:
        level_of({"urgency": "x" * 1000}, "urgency")
    assert len(str(error.value)) < 300


@given(LEVELS)
def test_the_highest_level_comes_first_and_each_keeps_the_order_it_had(levels: bytes) -> None:
    ordered = list(by_level(range(len(levels)), levels))
    assert ordered == sorted(range(len(levels)), key=lambda index: -levels[index])


@given(LEVELS, SEEDS)
def test_shuffled_or_not_each_record_has_one_place(levels: bytes, seed: int) -> None:
    total = len(levels)
    for options in ({}, {"shuffle": True, "seed": seed}):
        given = batch(total, pages=1 + total // 100, priority_field="p", **options)
        ordered = list(arranged(given, levels))
        assert sorted(ordered) == list(range(total))
        assert [levels[it] for it in ordered] == sorted(levels, reverse=True)


def test_shuffled_what_is_published_together_lies_together() -> None:
    """Else each page would be read for each of its records. 128 pages are two stretches."""
    given = batch(64_000, pages=128, priority_field="p", shuffle=True, seed=5)
    levels = bytes(index % 2 for index in range(64_000))
    first = list(arranged(given, levels))[:16_000]
    assert len({index // 500 for index in first}) == 64
    assert sum(it > before for before, it in pairwise(first)) < 9000, "and it is shuffled there"


def test_a_shuffled_order_by_level_is_its_seed_s() -> None:
    def ordered(seed: int) -> list[int]:
        given = batch(100, priority_field="p", shuffle=True, seed=seed)
        return list(arranged(given, bytes(100)))

    assert ordered(1) == ordered(1)
    assert ordered(1) != ordered(2)


def test_the_first_order_that_is_made_is_the_batch_s() -> None:
    first = take_order(batch(3), "one", generation=1)
    assert first.order == "one"
    assert take_order(first, "two", generation=1).order == "one"


def test_an_order_of_an_older_generation_is_not_taken() -> None:
    with pytest.raises(IllegalTransition):
        take_order(batch(3), "one", generation=2)
