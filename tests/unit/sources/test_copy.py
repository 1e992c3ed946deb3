from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fanfold.errors import FlowInvalid, SourceInvalid
from fanfold.sources.copy import CHUNK, read_copy, spool
from fanfold.sources.iterable import from_iterable
from fanfold.sources.jsonl import Line, read_lines


def lines_of(source: bytes) -> Iterator[Line]:
    return read_lines([source], name="records.jsonl")


def bodies(copy: Iterator[bytes]) -> list[str]:
    return [it.body for it in read_copy(copy, name="copy")]


def refuse_two(data: Any) -> None:
    if data == 2:
        raise FlowInvalid("it must not be two")


def test_the_copy_is_plain_json_lines() -> None:
    source = b'\xef\xbb\xbf {"a": 1} \r\n\n\n2\t\n[3]'
    assert b"".join(spool(lines_of(source))) == b'null\t{"a": 1}\nnull\t2\nnull\t[3]\n'


def test_a_copy_reads_as_the_source_did() -> None:
    source = '{"id": "é", "n": 1}\r\n\n"\u2028"\n'.encode()
    copy = b"".join(spool(lines_of(source)))
    again = list(read_copy([copy], name="copy"))
    assert [(it.key, it.body) for it in again] == [(it.key, it.body) for it in lines_of(source)]


def test_a_large_source_is_handed_on_in_pieces() -> None:
    line = b'"' + b"x" * 98 + b'"\n'
    pieces = list(spool(lines_of(line * 3000)))
    assert b"".join(pieces) == (b"null\t" + line) * 3000
    assert len(pieces) == 5
    assert all(CHUNK <= len(piece) < CHUNK + 6000 for piece in pieces[:-1])


def test_an_empty_source_is_an_empty_copy() -> None:
    assert list(spool(lines_of(b"\n"))) == []


def test_each_record_is_checked_in_order() -> None:
    seen: list[Any] = []
    b"".join(spool(lines_of(b"1\n\n2\n3\n"), seen.append))
    assert seen == [1, 2, 3]


def test_a_record_that_is_refused_is_named_with_its_line() -> None:
    with pytest.raises(SourceInvalid) as refused:
        b"".join(spool(lines_of(b"1\n\n2\n"), refuse_two))
    assert str(refused.value) == "records.jsonl:3: it must not be two"


def test_an_item_that_is_refused_is_named_with_its_index() -> None:
    with pytest.raises(SourceInvalid) as refused:
        b"".join(spool(from_iterable([1, 2], name="the list"), refuse_two))
    assert str(refused.value) == "the list: record 1: it must not be two"


def test_a_defect_in_the_check_is_not_blamed_on_the_source() -> None:
    def broken(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        b"".join(spool(lines_of(b"1\n"), broken))


@pytest.mark.parametrize(("limit", "copy"), [(0, []), (2, ["1", "2"]), (9, ["1", "2", "3"])])
def test_no_more_records_are_taken_than_asked_for(limit: int, copy: list[str]) -> None:
    assert bodies(spool(lines_of(b"1\n2\n3\n"), max_records=limit)) == copy


def test_what_lies_behind_the_last_record_asked_for_is_not_looked_at() -> None:
    def endless() -> Iterator[int]:
        yield from (1, 2)
        raise AssertionError("nobody asked for a third")

    lines = from_iterable(endless(), name="endless")
    assert bodies(spool(lines, max_records=2)) == ["1", "2"]
    assert bodies(spool(lines_of(b"1\nwrong\n"), max_records=1)) == ["1"]


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    told: list[int] = []
    line = b'"' + b"x" * 98 + b'"\n'
    b"".join(spool(lines_of(line * 3000), on_progress=told.append))
    assert told == sorted(told)
    assert len(told) == 5
    assert told[-1] == 3000


def test_a_record_keeps_its_key_whether_or_not_that_is_in_it() -> None:
    kept = [
        Line('a\t"\n\u2028', "7", 0, 0, 7, "b", keyed=True),
        Line("k", '" x"', 0, 0, " x", "b"),
        Line(None, '"\\t"', 0, 0, "\t", "b"),
        Line("null", "null", 0, 0, None, "b"),
        Line("\ud800", "1", 0, 0, 1, "b"),
    ]
    again = list(read_copy(spool(iter(kept)), name="copy"))
    assert [(it.key, it.body) for it in again] == [(it.key, it.body) for it in kept]


def test_going_on_from_a_line_gives_the_lines_behind_it() -> None:
    copy = b"".join(spool(lines_of(b'{"id": "a"}\n2\n3\n')))
    whole = list(read_copy([copy], name="copy"))
    for at, line in enumerate(whole, 1):
        rest = read_copy([copy[line.end :]], name="copy", offset=line.end, line=line.number)
        assert list(rest) == whole[at:]


@pytest.mark.parametrize("damage", [b"null", b"null 1\n", b"null\t1"])
def test_a_copy_that_is_damaged_is_told_with_its_line(damage: bytes) -> None:
    with pytest.raises(SourceInvalid, match=r"^the copy of r is damaged in line 2$"):
        list(read_copy([b"null\t1\n" + damage], name="r"))


def test_only_in_a_copy_has_a_line_a_key_before_its_record() -> None:
    with pytest.raises(SourceInvalid, match=r"^r:1: not JSON"):
        list(read_lines([b'"key"\t1\n'], name="r"))
