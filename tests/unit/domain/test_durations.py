"""Durations in buckets: percentiles that cost no run's document."""

from __future__ import annotations

import math
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.durations import (
    LAST_BUCKET,
    add_durations,
    bucket_of,
    durations_of,
    middle_of,
    percentile,
)

SECONDS = st.floats(min_value=1e-6, max_value=86_400)


@given(SECONDS)
def test_a_bucket_stands_for_what_it_holds_to_ten_percent(seconds: float) -> None:
    assert middle_of(bucket_of(seconds)) == pytest.approx(seconds, rel=0.1)


@given(st.lists(SECONDS, min_size=2, max_size=200))
def test_the_median_is_the_median_to_ten_percent(seconds: list[float]) -> None:
    ordered = sorted(seconds)
    lower = ordered[math.ceil(len(ordered) / 2) - 1]
    assert percentile(durations_of(seconds), 0.5) == pytest.approx(lower, rel=0.1)


def test_percentiles_follow_the_shape_and_not_the_mean() -> None:
    seconds = [0.01] * 98 + [30.0, 60.0]
    durations = durations_of(seconds)
    assert percentile(durations, 0.5) == pytest.approx(0.01, rel=0.1)
    assert percentile(durations, 0.99) == pytest.approx(30, rel=0.1)
    assert percentile(durations, 1.0) == pytest.approx(60, rel=0.1)
    assert quantiles(seconds, n=2)[0] == 0.01


@given(st.lists(SECONDS), st.lists(SECONDS))
def test_adding_two_is_counting_both(one: list[float], two: list[float]) -> None:
    assert add_durations(durations_of(one), durations_of(two)) == durations_of([*one, *two])


def test_without_runs_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9])
def test_what_cannot_be_measured_is_in_the_first_bucket(seconds: float) -> None:
    assert bucket_of(seconds) == 0


def test_what_lasts_for_ever_is_in_the_last_bucket() -> None:
    assert bucket_of(1e300) == LAST_BUCKET
