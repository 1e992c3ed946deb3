"""List prices: one table, each with its page."""

from __future__ import annotations

import pytest

from fanfold.domain import prices
from fanfold.domain.prices import Price

PRICES = [it for it in vars(prices).values() if isinstance(it, Price)]


def test_every_price_names_its_source() -> None:
    assert len(PRICES) >= 10
    assert all(it.source.startswith("cloud.google.com/") for it in PRICES)


def test_a_price_times_an_amount_is_dollars() -> None:
    assert prices.DOCUMENT_WRITES.of(1_000_000) == pytest.approx(0.90)
    assert prices.DOCUMENT_READS.of(1_000_000) == pytest.approx(0.30)
    assert prices.MESSAGE_BYTES.of(2**40) == 40
    assert prices.INVOCATIONS.of(1_000_000) == pytest.approx(0.40)


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (prices.INVOCATIONS, "$0.40 per 1,000,000"),
        (prices.VCPU_SECONDS, "$0.000024 per vCPU-second"),
        (prices.MESSAGE_BYTES, "$40.00 per TiB"),
        (prices.BUCKET_WRITES, "$0.005 per 1,000"),
    ],
)
def test_a_price_is_told_with_all_its_digits(price: Price, text: str) -> None:
    assert str(price) == text
