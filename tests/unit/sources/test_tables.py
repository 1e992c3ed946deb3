from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line
from fanfold.sources.tables import read_table

#: what text in UTF-8 can hold; a lone carriage return is told below
texts = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8)


def read(*chunks: bytes, **more: Any) -> list[Line]:
    return list(read_table(chunks, name="data.csv", **more))


def data(*chunks: bytes, **more: Any) -> list[Any]:
    return [line.data for line in read(*chunks, **more)]


def refusal(*chunks: bytes, **more: Any) -> str:
    with pytest.raises(SourceInvalid) as refused:
        read(*chunks, **more)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def cut(source: bytes, size: int) -> list[bytes]:
    return [source[start : start + size] for start in range(0, len(source), size)]


# -------------------------------------------------------------------- reading


def test_the_header_names_the_values_and_they_stay_text() -> None:
    first, second = read(b"id,n,text\n7,01,\nb,1.50,x\n")
    assert first.data == {"id": "7", "n": "01", "text": ""}
    assert first.body == '{"id": "7", "n": "01", "text": ""}'
    assert (first.key, first.number, first.place) == ("7", 2, "data.csv:2")
    assert second.data == {"id": "b", "n": "1.50", "text": "x"}


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(texts, min_size=width, max_size=width), max_size=6)
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.integers(1, 30),
)
def test_every_value_arrives_however_the_bytes_are_cut(
    rows: list[list[str]], line_end: str, delimiter: str, size: int
) -> None:
    """What Python's own writer writes, quotes and line ends in values included."""
    written = io.StringIO(newline="")
    writer = csv.writer(
        written, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL
    )
    writer.writerows(rows)
    source = written.getvalue().encode()
    got = data(*cut(source, size), delimiter=delimiter, header=False)
    assert [list(it.values()) for it in got] == rows


def test_a_value_in_quotes_holds_the_delimiter_quotes_and_line_ends() -> None:
    lines = read(b'id,text\na,"x, ""y""\r\nz"\nb,2\n')
    assert lines[0].data == {"id": "a", "text": 'x, "y"\r\nz'}
    assert (lines[0].number, lines[1].number) == (2, 4), "a row is named by its first line"
    assert "\n" not in lines[0].body


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert data(*cut(b"\xef\xbb\xbfid,n\n1,2\n", 1)) == [{"id": "1", "n": "2"}]


def test_blank_lines_are_no_rows_and_an_empty_value_in_quotes_is_one() -> None:
    lines = read(b'\nid\n\n1\n""\n\r\n2\n')
    assert [(it.key, it.number) for it in lines] == [("1", 4), ("", 5), ("2", 7)]


def test_the_last_row_needs_no_line_end() -> None:
    assert data(b"a,b\n1,2") == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize("source", [b"", b"\n\n", b"\xef\xbb\xbf", b"a,b\n"])
def test_a_table_without_rows_is_no_record(source: bytes) -> None:
    assert data(source) == []


def test_another_column_may_hold_the_key() -> None:
    assert [it.key for it in read(b"id,url\na,u\n", key_field="url")] == ["u"]


def test_another_delimiter_may_be_named() -> None:
    assert data(b"a;b\n1,5;2\n", delimiter=";") == [{"a": "1,5", "b": "2"}]


def test_without_a_header_columns_are_numbered() -> None:
    assert data(b"x,y\n1,2\n", header=False) == [{"c1": "x", "c2": "y"}, {"c1": "1", "c2": "2"}]


def test_columns_can_be_named_where_no_row_does() -> None:
    assert data(b"1,2\n", columns=["id", "n"]) == [{"id": "1", "n": "2"}]


# ------------------------------------------------------------------- refusals


def test_names_for_columns_that_have_them_are_refused() -> None:
    assert refusal(b"id,n\n1,2\n", columns=["id", "n"]) == (
        "data.csv:1: this row names the columns: leave out --columns."
    )


@pytest.mark.parametrize(("row", "values"), [(b"1\n", "1 value"), (b"1,2,3\n", "3 values")])
def test_a_row_that_does_not_fit_the_columns_is_named(row: bytes, values: str) -> None:
    assert refusal(b'a,b\n"1\n",2\n' + row) == (
        f"data.csv:4: {values} for 2 columns. "
        "Quote values that hold the delimiter, or name another one with --delimiter."
    )


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"id,n,id", "columns 1 and 3 are both named 'id'"),
        (b"id,,n", "column 2 has no name"),
    ],
)
def test_a_header_that_does_not_name_each_column_is_refused(header: bytes, problem: str) -> None:
    message = refusal(b"\n" + header + b"\n1,2,3\n")
    assert message.startswith(f"data.csv:2: in the header, {problem}. Name the columns with")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (b'1,"2\n3,4\n', "not a row: a quote is opened and never closed"),
        (b'1,"2"x\n', "not a row: ',' expected after '\"'"),
    ],
)
def test_quotes_that_do_not_fit_are_named_by_the_line_they_begin_in(
    row: bytes, problem: str
) -> None:
    message = refusal(b"a,b\n1,2\n" + row)
    assert message.startswith(f"data.csv:3: {problem}. A quote inside")


def test_bytes_that_are_no_utf_8_are_named() -> None:
    message = refusal(b"a\n1\ncaf\xe9\n")
    assert message == "data.csv:3: not UTF-8: byte 0xe9 (byte 4 of the line). Save it as UTF-8."


def test_a_table_in_utf_16_is_told_what_to_do() -> None:
    assert "It is UTF-16: save it as UTF-8." in refusal("a,b\n".encode("utf-16"))


def test_the_largest_value_is_read_and_a_larger_one_refused() -> None:
    room = MAX_RECORD_BYTES - len('{"a": ""}')
    (line,) = read(b"a\n", *cut(b"x" * room, 100_000))
    assert len(line.body) == MAX_RECORD_BYTES
    assert refusal(b"a\n" + b"x" * (room + 1)).startswith("data.csv:2: the record has 524,289 byt")


def test_a_quote_that_is_never_closed_does_not_read_all_of_an_endless_table() -> None:
    def endless() -> Iterator[bytes]:
        yield b'a,b\n1,"2\n'
        while True:
            yield b'3,"",4\n' * 1000

    with pytest.raises(SourceInvalid, match=r"or is a quote opened|Or is a quote opened|not a row"):
        list(read_table(endless(), name="data.csv"))


# ------------------------------------------------------------------- checking


def test_reading_goes_on_behind_a_bad_row_if_that_is_asked_for() -> None:
    told: list[str] = []
    source = b'a,b\n1\n3,4\n5,"6"x\n7,\xff\n8,9\n'
    rows = data(source, on_problem=lambda problem: told.append(str(problem)))
    assert rows == [{"a": "3", "b": "4"}, {"a": "8", "b": "9"}]
    assert [it.split(": ")[0] for it in told] == ["data.csv:2", "data.csv:4", "data.csv:5"]


# --------------------------------------------------------------------- memory


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(count: int) -> int:
        chunks = (b"id,text\n" if n == 0 else b"7,some text\n" * 500 for n in range(count))
        tracemalloc.start()
        for _ in read_table(chunks, name="data.csv"):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)
    assert peak(30) <= 1.5 * peak(3)
