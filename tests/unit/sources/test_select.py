from __future__ import annotations

import json
from typing import Any

import pytest

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.jsonl import read_lines
from fanfold.sources.line import Line
from fanfold.sources.select import selected

NESTED: Any = {"id": "a", "body": {"items": [{"text": "x"}, 7]}, "a.b": 1, "a": {"b": 2}}


def lines_of(*records: Any) -> list[Line]:
    source = b"".join(json.dumps(it).encode() + b"\n" for it in records)
    return list(read_lines([source], name="r.jsonl"))


def select(*records: Any, key_field: str = "id", **places: str) -> list[Line]:
    return list(selected(lines_of(*records), places, key_field=key_field))


def test_fields_are_renamed_and_picked_in_the_order_asked_for() -> None:
    (line,) = select(NESTED, text="body.items.0.text", id="id", rest="body.items", n="body.items.1")
    assert line.data == {"text": "x", "id": "a", "rest": [{"text": "x"}, 7], "n": 7}
    assert list(line.data) == ["text", "id", "rest", "n"]
    assert json.loads(line.body) == line.data
    assert line.place == "r.jsonl:1"


def test_a_dot_is_the_whole_record() -> None:
    (line,) = select([1, {"a": 2}], all=".", second="1.a")
    assert line.data == {"all": [1, {"a": 2}], "second": 2}


def test_a_field_whose_name_has_dots_is_meant_before_a_place() -> None:
    (line,) = select(NESTED, it="a.b")
    assert line.data == {"it": 1}


def test_the_key_is_the_new_record_s() -> None:
    assert select(NESTED, id="body.items.1")[0].key == "7"
    assert select(NESTED, url="id", key_field="url")[0].key == "a"
    assert select(NESTED, text="id")[0].key is None


def test_a_key_that_was_never_in_the_record_stays() -> None:
    line = Line("kept", '{"id": 1}', 0, 0, {"id": 1}, "batch", keyed=True)
    (new,) = selected([line], {"id": "id"})
    assert (new.key, new.keyed) == ("kept", True)


def test_half_a_surrogate_pair_is_kept() -> None:
    (line,) = select({"t": "\ud83d"}, text="t")
    assert line.body == '{"text": "\\ud83d"}'


@pytest.mark.parametrize(
    ("place", "record"),
    [
        ("b", {"a": 1}),
        ("a.b", {"a": 1}),
        ("a.1", {"a": [0]}),
        ("a.-1", {"a": [0]}),
        ("a.x", {"a": [0]}),
        ("a.", {"a": {"b": 1}}),
        ("0", {}),
        ("a", [1]),
        ("0", "text"),
    ],
)
def test_a_place_that_a_record_has_not_is_named_with_its_line(place: str, record: Any) -> None:
    with pytest.raises(SourceInvalid) as refused:
        select({"a": {"b": 1}} if place == "a.b" else record, record, it=place)
    assert str(refused.value).startswith("r.jsonl:")
    assert f": no {place!r} in the record" in str(refused.value)
    assert str(refused.value).endswith("Look at --select.")


def test_the_error_tells_what_the_record_has() -> None:
    with pytest.raises(SourceInvalid, match=r"r\.jsonl:2: no 'x' in the record, but 'a', 'b'\. "):
        select({"x": 1}, {"a": 1, "b": 2}, it="x")


def test_a_record_that_becomes_too_large_is_refused() -> None:
    with pytest.raises(SourceInvalid, match=r"r\.jsonl:1: the record has [\d,]+ bytes; "):
        select("x" * (MAX_RECORD_BYTES // 2), a=".", b=".")


def test_it_goes_on_behind_a_bad_record_if_that_is_asked_for() -> None:
    told: list[str] = []
    lines = selected(
        lines_of({"a": 1}, {}, {"a": 2}), {"a": "a"}, on_problem=lambda it: told.append(str(it))
    )
    assert [it.data["a"] for it in lines] == [1, 2]
    assert len(told) == 1
