"""Sizes in sentences; how they are read is tried with the command line's (cli/test_amounts.py)."""

from __future__ import annotations

import pytest

from fanfold.domain.amounts import bytes_of, size_text

SIZES = [
    (1, "1 bytes"),
    (1001, "1001 bytes"),
    (1536, "1.5 KiB"),
    (512 * 1024**2, "512 MiB"),
    (500 * 1000**2, "500 MB"),
    (2 * 1024**3, "2 GiB"),
    (3 * 1000**4, "3 TB"),
]


@pytest.mark.parametrize(("size", "text"), SIZES)
def test_a_size_is_told_exactly_in_the_unit_that_fits(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(("size", "text"), SIZES[2:])
def test_what_is_told_is_read_as_the_same(size: int, text: str) -> None:
    assert bytes_of(text) == size


def test_what_is_no_size_is_none() -> None:
    assert bytes_of("much") is None
