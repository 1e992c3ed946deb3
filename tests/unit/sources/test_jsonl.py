from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.messages import RunMessage, encode_run
from fanfold.domain.records import MAX_RECORD_BYTES, Record
from fanfold.errors import SourceInvalid
from fanfold.sources.jsonl import Line, read_lines
from fanfold.sources.line import MAX_DEPTH, MAX_KEY_BYTES

#: Anything, half surrogate pairs too.
texts = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
line_ends = st.sampled_from(["\n", "\r\n", "\n\n", "\n  \n", " \t\r\n"])


def read(*chunks: bytes, **more: Any) -> list[Line]:
    return list(read_lines(chunks, name="records.jsonl", **more))


def bodies(*chunks: bytes) -> list[str]:
    return [line.body for line in read(*chunks)]


def refusal(*chunks: bytes, **more: Any) -> str:
    with pytest.raises(SourceInvalid) as refused:
        read(*chunks, **more)
    message = str(refused.value)
    assert "\n" not in message
    return message


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


# -------------------------------------------------------------------- reading


def test_each_line_is_a_record_with_its_place() -> None:
    first, second = read(b'{"id": "a", "n": 1}\n[2]\n')
    assert (first.key, first.body, first.data) == ("a", '{"id": "a", "n": 1}', {"id": "a", "n": 1})
    assert (first.number, first.end, first.place) == (1, 20, "records.jsonl:1")
    assert (second.key, second.body, second.data) == (None, "[2]", [2])
    assert (second.number, second.end) == (2, 24)


@given(st.lists(st.tuples(values, line_ends), max_size=8), st.integers(1, 40), st.booleans())
def test_every_value_arrives_however_the_bytes_are_cut(
    items: list[tuple[Any, str]], size: int, ascii_only: bool
) -> None:
    wanted = [json.dumps(value, ensure_ascii=ascii_only) for value, _ in items]
    wanted = [body.encode(errors="replace").decode() for body in wanted]
    text = "".join(body + end for body, (_, end) in zip(wanted, items, strict=True))
    lines = read(*cut(text.encode(), size))
    assert [line.body for line in lines] == wanted
    assert [line.data for line in lines] == [json.loads(body) for body in wanted]


@given(st.lists(st.tuples(values, line_ends), min_size=1, max_size=8), st.data())
def test_reading_goes_on_from_any_line(items: list[tuple[Any, str]], data: st.DataObject) -> None:
    source = "".join(json.dumps(value) + end for value, end in items).encode()
    lines = read(source)
    done = data.draw(st.integers(1, len(lines)))
    last = lines[done - 1]
    assert read(source[last.end :], offset=last.end, line=last.number) == lines[done:]


@given(st.binary(max_size=60) | st.text('[]{}",:\\truefalsnN0123e+-. \n').map(str.encode))
def test_what_is_read_can_be_parsed_where_the_flow_runs(source: bytes) -> None:
    """No parser further on may refuse what this one let through."""
    try:
        lines = read(source)
    except SourceInvalid:
        return
    for line in lines:
        record = Record(0, line.key, line.body)
        assert record.data == line.data
        message = RunMessage.decode(encode_run("batch-aaaaaaaaaaaaaaaa", 1, record))
        assert message.record is not None
        assert message.record.data == line.data


def test_the_last_line_needs_no_line_end() -> None:
    assert bodies(b"1\n2") == ["1", "2"]


def test_windows_line_ends_are_line_ends() -> None:
    assert bodies(b"1\r\n2\r\n") == ["1", "2"]


def test_blank_lines_are_no_records_but_count_as_lines() -> None:
    lines = read(b"\n  \n1\n\t\r\n2\n\n")
    assert [(line.body, line.number) for line in lines] == [("1", 3), ("2", 5)]


@pytest.mark.parametrize("source", [b"", b"\n", b" \n\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_nothing_is_no_record(source: bytes) -> None:
    assert read(source) == []


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_byte_order_mark_at_the_start_is_no_part_of_the_first_record(size: int) -> None:
    lines = read(*cut(b'\xef\xbb\xbf{"id":1}\n2\n', size))
    assert [(line.body, line.end) for line in lines] == [('{"id":1}', 12), ("2", 14)]


def test_a_byte_order_mark_anywhere_else_is_refused() -> None:
    assert refusal(b"1\n\xef\xbb\xbf2\n").startswith("records.jsonl:2: not JSON: ")


def test_a_line_separator_of_another_alphabet_ends_no_line() -> None:
    assert bodies('"a\u2028b\u0085c"\n1\n'.encode()) == ['"a\u2028b\u0085c"', "1"]


def test_half_a_surrogate_pair_is_kept() -> None:
    (line,) = read(b'{"t": "\\ud83d"}\n')
    assert (line.body, line.data) == ('{"t": "\\ud83d"}', {"t": "\ud83d"})


def test_lines_are_read_only_as_they_are_asked_for() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"1\n2\n"

    lines = read_lines(endless(), name="endless")
    assert [next(lines).number for _ in range(5)] == [1, 2, 3, 4, 5]


# ----------------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("field", "key"),
    [
        ('"a b"', "a b"),
        ('"\\u00e9"', "é"),
        ('""', ""),
        ("17", "17"),
        ("-1", "-1"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.5", None),
        ("true", None),
        ("null", None),
        ('["a"]', None),
    ],
)
def test_text_and_whole_numbers_are_keys(field: str, key: str | None) -> None:
    (line,) = read(b'{"id": ' + field.encode() + b"}")
    assert line.key == key


def test_another_field_may_hold_the_key() -> None:
    (line,) = read(b'{"id": "a", "url": "b"}', key_field="url")
    assert line.key == "b"


@pytest.mark.parametrize("source", [b'{"name": "a"}', b'"id"', b'["id"]', b"1", b"null"])
def test_a_record_without_the_field_has_no_key(source: bytes) -> None:
    assert [line.key for line in read(source)] == [None]


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
def test_a_key_may_be_long_but_not_longer(letter: str) -> None:
    longest = letter * (MAX_KEY_BYTES // len(letter.encode()))
    (line,) = read(json.dumps({"id": longest}).encode())
    assert line.key == longest

    message = refusal(b"1\n" + json.dumps({"id": longest + letter}).encode())
    assert message.startswith("records.jsonl:2: the key in 'id' has 1,50")
    assert "at most 1,500" in message
    assert "--key" in message


def test_a_number_as_key_is_bound_as_well() -> None:
    assert "the key in 'id' has 2,000 bytes" in refusal(b'{"id":' + b"7" * 2000 + b"}")


def test_a_key_that_no_store_can_look_up_is_refused() -> None:
    assert "half a surrogate pair" in refusal(b'{"id": "\\ud800"}')


# ------------------------------------------------------------------- refusals


def test_a_line_that_is_not_json_is_named_with_the_column_and_the_remedy() -> None:
    assert refusal(b'1\n\n{"a": "b" "c": 1}\n') == (
        "records.jsonl:3: not JSON: Expecting ',' delimiter (column 11). "
        "Each line must be one JSON value."
    )


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (b"hello", "Expecting value (column 1)"),
        (b"  {'a': 1}", "Expecting property name enclosed in double quotes (column 4)"),
        (b"\xef\xbb\xbfhello", "Expecting value (column 1)"),
        (b"1 2", "Extra data (column 3)"),
        (b'{"a":1}{"a":2}', "Extra data (column 8)"),
        (b'{"a":1},', "Extra data (column 8)"),
        (b'"a\tb"', "Invalid control character at (column 3)"),
        (b'"abc', "Unterminated string starting at (column 1)"),
        (b"\x0c1", "Expecting value (column 1)"),
    ],
)
def test_the_column_is_that_of_the_line(source: bytes, problem: str) -> None:
    assert refusal(source).startswith(f"records.jsonl:1: not JSON: {problem}. Each line must")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("form", ["%s", '{"a": [%s]}'])
def test_what_only_python_calls_json_is_refused(constant: str, form: str) -> None:
    message = refusal(b"1\n" + (form % constant).encode())
    assert message.startswith(f"records.jsonl:2: not JSON: {constant} is no JSON value; write null")


@pytest.mark.parametrize("first", [b"[\n", b'[{"id": 1},\n', b"\n  [ \n", b'[{"id": 1}\n'])
def test_a_json_array_over_several_lines_is_told_from_json_lines(first: bytes) -> None:
    message = refusal(first + b'{"id": 2}\n]\n')
    assert "this looks like one JSON value over several lines" in message
    assert "Or read one document with --format json." in message


def test_a_json_object_over_several_lines_is_told_from_json_lines() -> None:
    message = refusal(b'{\n  "id": 1\n}\n')
    assert "this looks like one JSON value over several lines" in message
    assert "--pointer where its array of records is" in message


def test_an_unfinished_line_further_down_is_just_wrong() -> None:
    assert refusal(b"1\n[\n").startswith("records.jsonl:2: not JSON: Expecting value (column 2)")
    resumed = refusal(b"[\n", offset=100, line=9)
    assert resumed.startswith("records.jsonl:10: not JSON: Expecting value (column 2)")


def test_an_array_on_one_line_is_one_record() -> None:
    assert bodies(b"[1, 2]\n[3]\n") == ["[1, 2]", "[3]"]


def test_bytes_that_are_no_utf_8_are_named() -> None:
    assert refusal(b'1\n {"a": "caf\xe9"}\n') == (
        "records.jsonl:2: not UTF-8: byte 0xe9 (byte 12 of the line). "
        "Each line must be one JSON value."
    )


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        (b"\xfd7zXZ\x00\x00", "decompress it first"),
        ('{"id":1}\n'.encode("utf-16"), "save it as UTF-8"),
        (b"PAR1\x15\x04\x15\xff", "name it .parquet, or say"),
        (b"PK\x03\x04\x14\x00\xff", "convert it to JSON Lines"),
    ],
)
def test_a_file_that_is_no_text_is_told_what_to_do(source: bytes, remedy: str) -> None:
    message = refusal(source)
    assert message.startswith("records.jsonl:1: not UTF-8: byte 0x")
    assert remedy in message


def test_the_deepest_record_can_still_be_sent() -> None:
    (line,) = read(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    message = RunMessage.decode(encode_run("batch-aaaaaaaaaaaaaaaa", 1, Record(0, None, line.body)))
    assert message.record is not None


@pytest.mark.parametrize("depth", [MAX_DEPTH + 10, 900, 100_000])
@pytest.mark.parametrize("inside", [b"", b'"\\ud800"'])
def test_a_record_deeper_than_that_is_refused(depth: int, inside: bytes) -> None:
    message = refusal(b"[" * depth + inside + b"]" * depth)
    assert message.startswith("records.jsonl:1: nested deeper than 200 levels")


def test_a_number_that_python_would_not_read_is_refused() -> None:
    assert "too many digits; write it as text" in refusal(b"7" * 5000)


# ----------------------------------------------------------------------- size


def test_the_largest_record_is_read() -> None:
    largest = b'"' + b"x" * (MAX_RECORD_BYTES - 2) + b'"'
    (line,) = read(*cut(b"\xef\xbb\xbf  " + largest + b" \r\n", 100_000))
    assert len(line.body) == MAX_RECORD_BYTES


def test_a_larger_record_is_refused_with_its_size_and_the_limit() -> None:
    message = refusal(b"1\n" + b'"' + b"x" * (MAX_RECORD_BYTES - 1) + b'"\n2\n')
    assert message.startswith("records.jsonl:2: the record has 524,289 bytes; ")
    assert "at most 524,288" in message


def test_the_limit_is_of_bytes() -> None:
    wide = json.dumps("é" * (MAX_RECORD_BYTES // 2), ensure_ascii=False).encode()
    assert "the record has 524,290 bytes" in refusal(wide)


@pytest.mark.parametrize("filling", [b"x", b" "])
def test_an_endless_line_is_not_read_to_its_end(filling: bytes) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b"1\n"
        while True:
            taken += 1000
            yield filling * 1000

    lines = read_lines(endless(), name="endless")
    assert next(lines).data == 1
    with pytest.raises(SourceInvalid, match=r"^endless:2: the record has more than 5\d\d,\d{3} by"):
        next(lines)
    assert taken < MAX_RECORD_BYTES + 10_000
