"""Sums without rounding, so that it makes no difference in which order and grouping they are made.

A float is a whole number of the smallest float there is, 2 to the power of -1074. So every sum of
floats and whole numbers is a whole number of these, and Python's have any size. It is rounded once,
at the end. As JSON it is hexadecimal text: Python reads no decimal number of more than 4,300
digits, and writing decimals of that size is slow.
"""

from __future__ import annotations

from fractions import Fraction

_BITS = 1074


def exactly(value: float) -> int:
    """A whole number or a finite float, in units of the smallest float."""
    if isinstance(value, int):
        return value << _BITS
    numerator, denominator = value.as_integer_ratio()
    return numerator << (_BITS + 1 - denominator.bit_length())


def rounded(units: int, divisor: int = 1) -> float:
    """The float next to so many units by the divisor; OverflowError if there is none."""
    return float(Fraction(units, divisor << _BITS))


def whole(units: int) -> int:
    """The same number of ones, where it is a sum of whole numbers."""
    return units >> _BITS


def text_of(units: int) -> str:
    return f"{units:x}"


def units_in(text: str) -> int:
    return int(text, 16)
