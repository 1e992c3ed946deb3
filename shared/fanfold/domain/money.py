"""Money that flows say they spend, counted in whole billionths of a dollar: a sum of them is exact,
in whatever order it is added up, and a price per token is not rounded away."""

from __future__ import annotations

from math import isfinite

NANO = 1_000_000_000
#: what one call may say; more is a mistake
_MOST = 1_000_000.0


def nanodollars(dollars: float) -> int:
    """Raises ValueError for what is no amount."""
    if not isfinite(dollars) or not 0 <= dollars <= _MOST:
        raise ValueError(f"an amount is from 0 to {_MOST:,.0f} dollars, not {dollars!r}")
    return round(dollars * NANO)


def dollars_of(nano: int) -> float:
    return nano / NANO


def in_words(nano: int) -> str:
    """`$12.30`, and as many digits more as a small amount needs."""
    dollars = dollars_of(nano)
    if nano == 0 or dollars >= 0.01:
        return f"${dollars:,.2f}"
    return f"${dollars:.9f}".rstrip("0")
