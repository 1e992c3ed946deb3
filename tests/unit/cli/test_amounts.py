"""Sizes, shares and times as people write them."""

from __future__ import annotations

import pytest

from fanfold.cli.amounts import seconds_of, share_of, size_of
from fanfold.errors import OptionInvalid


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1048576", 1024**2),
        ("10B", 10),
        ("500MB", 500 * 1000**2),
        ("64MiB", 64 * 1024**2),
        ("64 mib", 64 * 1024**2),
        ("1.5KiB", 1536),
        ("1GiB", 1024**3),
        ("2TB", 2 * 1000**4),
    ],
)
def test_a_size_is_bytes_or_has_a_unit(text: str, size: int) -> None:
    assert size_of("--max-bytes", text) == size


@pytest.mark.parametrize("text", ["", "0", "0.1B", "-1", "64M", "MiB", "64MiBs", "many", "1e9"])
def test_another_size_is_refused_with_the_forms_that_are_not(text: str) -> None:
    with pytest.raises(OptionInvalid, match=r"--max-bytes .*: say a size such as 64MiB, 500MB, 1G"):
        size_of("--max-bytes", text)


def test_a_share_ends_with_a_percent_sign() -> None:
    assert share_of("--max-memory", "80%") == 0.8
    assert share_of("--max-memory", "99.5 %") == 0.995
    assert share_of("--max-memory", "80") is None


@pytest.mark.parametrize("text", ["0%", "101%", "-5%", "most%", "%"])
def test_another_share_is_refused(text: str) -> None:
    with pytest.raises(OptionInvalid, match="above 0% and at most 100%, such as 80%"):
        share_of("--max-memory", text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30.0), ("30s", 30.0), ("0.5 s", 0.5), ("2m", 120.0), ("1h", 3600), ("2d", 172_800)],
)
def test_a_time_is_seconds_or_has_a_unit(text: str, seconds: float) -> None:
    assert seconds_of("--grace", text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "-1", "3w", "inf", "nan"])
def test_another_time_is_refused(text: str) -> None:
    with pytest.raises(OptionInvalid, match=r"--grace .*: say seconds, such as 30 or 30s, or 2m"):
        seconds_of("--grace", text)
