from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.texts import read_texts


def read(*chunks: bytes, **more: Any) -> list[Any]:
    return [(it.data, it.number) for it in read_texts(chunks, name="words.txt", **more)]


def test_each_line_is_a_record_as_it_stands() -> None:
    (line, other) = read_texts([b' {"a": 1} \r\n\xc3\xa9'], name="words.txt")
    assert (line.key, line.body, line.data) == (None, '" {\\"a\\": 1} "', ' {"a": 1} ')
    assert (other.data, other.body, other.place) == ("é", '"é"', "words.txt:2")


def test_lines_of_white_space_are_no_records_but_count_as_lines() -> None:
    assert read(b"\xef\xbb\xbf\n\na\n \t\r\n\nb\n") == [("a", 3), ("b", 6)]


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)),
       st.integers(1, 9))  # fmt: skip
def test_every_line_arrives_however_the_bytes_are_cut(lines: list[str], size: int) -> None:
    source = "".join(f"-{line}\n" for line in lines).encode()
    chunks = [source[start : start + size] for start in range(0, len(source), size)]
    assert [text for text, _ in read(*chunks)] == [f"-{line}" for line in lines]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"a\ncaf\xe9\n", "words.txt:2: not UTF-8: byte 0xe9 (byte 4 of the line). Save it"),
        (b"a\n" + b"x" * MAX_RECORD_BYTES, "words.txt:2: the record has 524,290 bytes;"),
        (b"a\n" + b" " * 2 * MAX_RECORD_BYTES, "words.txt:2: the record has more than"),
    ],
)
def test_what_cannot_be_a_record_is_named_with_its_line(source: bytes, problem: str) -> None:
    with pytest.raises(SourceInvalid) as refused:
        read(source)
    assert str(refused.value).startswith(problem)


def test_reading_goes_on_behind_a_bad_line_if_that_is_asked_for() -> None:
    told: list[str] = []
    assert read(b"a\n\xff\nb\n", on_problem=lambda it: told.append(str(it))) == [("a", 1), ("b", 3)]
    assert len(told) == 1
