"""Folds of numbers, each on a handful of results; what has no number is always among them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold import Result
from fanfold.domain.run import RunState
from fanfold.errors import FlowInvalid, OptionInvalid
from fanfold.folds import histogram, mean, top, total

_FLOATS = st.lists(st.floats(-1e300, 1e300))


def results(values: Iterable[Any]) -> Iterator[Result]:
    yield Result(0, "failed", RunState.FAILED, error={"type": "E", "message": "bad"})
    for index, value in enumerate(values, 1):
        text = json.dumps({"n": value})
        yield Result(index, f"k{index}", RunState.SUCCEEDED, text=text)
    yield Result(1000, "null", RunState.SUCCEEDED, text='{"n": null}')
    yield Result(1001, "absent", RunState.SUCCEEDED, text="[]")


# ------------------------------------------------------------------- total, mean


def test_a_total_of_whole_numbers_is_whole_and_exact() -> None:
    assert total("n")(results([10**30, 1, -(10**30)])) == 1
    assert isinstance(total("n")(results([1, 2])), int)


def test_a_total_with_a_float_is_a_float() -> None:
    made = total("n")(results([1, 2.0]))
    assert (made, type(made)) == (3.0, float)


def test_a_total_of_nothing_is_0() -> None:
    assert total("n")(results([])) == 0


@given(_FLOATS)
def test_a_total_of_floats_is_rounded_once(values: list[float]) -> None:
    assert total("n")(results(values)) == math.fsum(values)


@given(_FLOATS.filter(bool))
def test_a_mean_is_between_the_least_and_the_greatest(values: list[float]) -> None:
    made = mean("n")(results(values))
    assert min(values) <= made <= max(values)
    assert made == pytest.approx(fmean(values), rel=1e-12, abs=1e-300)


def test_a_mean_is_rounded_once() -> None:
    assert mean("n")(results([0.1] * 10)) == 0.1


def test_a_mean_of_nothing_is_null() -> None:
    assert mean("n")(results([])) is None


def test_a_sum_beyond_all_floats_is_refused_and_its_mean_is_not() -> None:
    values = [1.7e308, 1.7e308]
    assert mean("n")(results(values)) == 1.7e308
    with pytest.raises(FlowInvalid, match=r"total\('n'\): it is beyond all floats"):
        total("n")(results(values))


# --------------------------------------------------------------------------- top


def test_top_ranks_records_with_their_index_and_key() -> None:
    assert top(2, "n")(results([1, 5, 3])) == [
        {"index": 2, "key": "k2", "value": 5},
        {"index": 3, "key": "k3", "value": 3},
    ]
    assert [it["value"] for it in top(9, "n", largest=False)(results([1, 5, 3]))] == [1, 3, 5]


@pytest.mark.parametrize("largest", [True, False])
def test_of_equal_numbers_the_earlier_record_is_first(largest: bool) -> None:
    ranked = top(3, "n", largest=largest)(results([2, 2.0, 2]))
    assert [it["index"] for it in ranked] == [1, 2, 3]


@given(st.lists(st.integers() | st.floats(-1e300, 1e300)), st.integers(1, 5))
def test_top_is_the_end_of_what_is_sorted(values: list[float], n: int) -> None:
    assert [it["value"] for it in top(n, "n")(results(values))] == sorted(values)[::-1][:n]


@pytest.mark.parametrize("n", [0, -1, 10_001, True, 1.5])
def test_top_of_none_or_too_many_is_refused(n: Any) -> None:
    with pytest.raises(FlowInvalid, match="from 1 to 10,000"):
        top(n, "n")


# --------------------------------------------------------------------- histogram


def test_a_bin_has_its_lower_edge_and_not_its_upper_one() -> None:
    made = histogram("n", [0, 1, 10])(results([-0.5, 0, 0.5, 1, 9.99, 10, 11]))
    assert made == {
        "below": 1,
        "bins": [{"from": 0, "to": 1, "count": 2}, {"from": 1, "to": 10, "count": 2}],
        "above": 2,
    }


@given(_FLOATS, st.lists(st.integers(-5, 5), min_size=2, unique=True))
def test_every_number_is_counted_once(values: list[float], edges: list[int]) -> None:
    made = histogram("n", sorted(edges))(results(values))
    assert made["below"] + sum(it["count"] for it in made["bins"]) + made["above"] == len(values)


@pytest.mark.parametrize("bins", [[], [1], 5, "ab", [1, True], [1, math.nan], [1, 1], [2, 1]])
def test_edges_that_are_none_are_refused(bins: Any) -> None:
    with pytest.raises(FlowInvalid, match="edge"):
        histogram("n", bins)


# ----------------------------------------------------------------- what is no number


@pytest.mark.parametrize("fold", [total("n"), mean("n"), top(1, "n"), histogram("n", [0, 1])])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("3", "a str there"),
        (True, "a bool there"),
        ([1], "a list there"),
        (math.inf, "inf there"),
    ],
)
def test_what_is_no_number_is_refused_with_its_record_s_name(
    fold: Any, value: Any, said: str
) -> None:
    with pytest.raises(FlowInvalid, match=rf"'n'.* takes numbers; record 2 \(k2\) has {said}"):
        fold(results([1, value]))


@pytest.mark.parametrize("make", [total, mean])
def test_a_place_that_is_none_is_refused(make: Any) -> None:
    with pytest.raises(OptionInvalid, match="no place"):
        make("a..b")
