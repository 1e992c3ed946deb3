"""Amounts are whole numbers of billionths: sums of them are exact."""

from __future__ import annotations

import pytest

from fanfold.domain.money import dollars_of, in_words, nanodollars


def test_ten_times_ten_cents_is_a_dollar() -> None:
    assert dollars_of(sum(nanodollars(0.1) for _ in range(10))) == 1.0


def test_a_token_s_price_is_not_rounded_away() -> None:
    assert nanodollars(0.000_000_25) == 250


@pytest.mark.parametrize("amount", [-0.01, float("nan"), float("inf"), 1_000_001])
def test_what_is_no_amount_is_refused(amount: float) -> None:
    with pytest.raises(ValueError, match="amount"):
        nanodollars(amount)


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "$0.00"), (12.3, "$12.30"), (1234.5, "$1,234.50"), (0.000_000_25, "$0.00000025")],
)
def test_amounts_in_words(amount: float, told: str) -> None:
    assert in_words(nanodollars(amount)) == told
