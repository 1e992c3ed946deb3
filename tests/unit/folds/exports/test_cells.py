from __future__ import annotations

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanfold.folds.exports.cells import cell_of, cell_of_optional, optional_text_of, text_of

#: All that text may be, and what goes wrong in tables more often than chance has it.
texts = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from("=+-@'\"\t\r\n\0\ud800,;0.a\\")
)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("tea", "tea"),
        ("", ""),
        ("-1.5e-3", "-1.5e-3"),
        ("-0", "-0"),
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("-1+1", "'-1+1"),
        ("-1\n", "'-1\n"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("\n=x", "'\n=x"),
        ("\N{FULLWIDTH EQUALS SIGN}x", "'\N{FULLWIDTH EQUALS SIGN}x"),
        ("'quoted'", "''quoted'"),
        ("a\0b", '\'"a\\u0000b"'),
        ("\ud800", '\'"\\ud800"'),
    ],
)
def test_a_text_is_written_by_the_table_s_rule_and_read_back(text: str, cell: str) -> None:
    assert cell_of(text) == cell
    assert text_of(cell) == text


@given(texts)
@example("'\"")
@example("''\"x\"")
def test_any_text_comes_back_exactly(text: str) -> None:
    assert text_of(cell_of(text)) == text


@given(texts)
def test_no_cell_is_a_formula_and_every_cell_can_be_stored(text: str) -> None:
    cell = cell_of(text)
    cell.encode()
    assert "\0" not in cell
    if cell and cell[0] in "=+-@\t\r\n":
        float(cell)


@given(st.none() | texts)
def test_no_text_and_an_empty_text_are_two_things(text: str | None) -> None:
    assert optional_text_of(cell_of_optional(text)) == text


@given(st.lists(texts, min_size=2))
def test_a_row_of_cells_survives_csv(row: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow([cell_of(it) for it in row])
    (read,) = csv.reader(io.StringIO(file.getvalue(), newline=""), strict=True)
    assert [text_of(it) for it in read] == row
