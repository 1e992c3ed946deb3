"""Sums are what fractions say, rounded once."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.folds import exact

_FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(_FINITE | st.integers()), st.randoms())
def test_a_sum_is_the_exact_one_in_any_order(numbers: list[float], random: object) -> None:
    shuffled = sorted(numbers, key=lambda _: random.random())  # type: ignore[attr-defined]
    units = sum(map(exact.exactly, shuffled))
    assert Fraction(units, 2**1074) == sum(map(Fraction, numbers), Fraction())


@given(_FINITE)
def test_a_float_comes_back(number: float) -> None:
    assert exact.rounded(exact.exactly(number)) == number


@given(st.integers())
def test_a_whole_number_comes_back(number: int) -> None:
    assert exact.whole(exact.exactly(number)) == number


@given(st.integers())
def test_text_comes_back(units: int) -> None:
    assert exact.units_in(exact.text_of(units)) == units


def test_text_may_have_more_digits_than_python_reads_decimal() -> None:
    units = exact.exactly(10**5000)
    assert exact.units_in(exact.text_of(units)) == units


def test_what_no_float_is_near_is_said_so() -> None:
    with pytest.raises(OverflowError):
        exact.rounded(2 * exact.exactly(1.7e308))
