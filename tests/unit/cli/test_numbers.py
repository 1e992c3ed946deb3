"""Numbers, times and texts, as they are read in a line."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from fanfold.cli.numbers import short, span


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0 µs"),
        (0.00085, "850 µs"),
        (0.0009996, "1.0 ms"),
        (0.0042, "4.2 ms"),
        (0.012, "12 ms"),
        (0.9996, "1.0 s"),
        (3.4, "3.4 s"),
        (600, "10 min 00 s"),
    ],
)
def test_a_run_may_take_next_to_no_time(seconds: float, told: str) -> None:
    assert span(seconds) == told


def test_a_text_is_cut_where_its_line_ends() -> None:
    assert short("two\n  words", 20) == "two words"
    assert short("a" * 9, 9) == "a" * 9
    assert short("a" * 10, 9) == "a" * 8 + "…"


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 40])
def test_a_wide_character_takes_two_places(width: int) -> None:
    assert cell_len(short("価格が見つかりません 🚀", width)) <= width
    assert short("価格", 4) == "価格"
    assert short("価格が", 4) == "価…"


def test_what_would_move_the_cursor_or_cannot_be_written_is_left_out() -> None:
    assert short("\x1b[2Jgone\x07 \ud800half", 40) == "[2Jgone half"
