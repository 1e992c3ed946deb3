from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.iterable import from_iterable
from fanfold.sources.jsonl import Line, read_lines

texts = st.text(st.characters(exclude_categories=()))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@dataclass
class Article:
    id: int
    published: date


class Model(BaseModel):
    id: str
    at: datetime


def lines_of(items: Any, **more: Any) -> list[Line]:
    return list(from_iterable(items, name="articles", **more))


def refusal(items: Any) -> str:
    with pytest.raises(SourceInvalid) as refused:
        lines_of(items)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@given(st.lists(values, max_size=5))
def test_every_item_is_a_record_that_a_copy_keeps(items: list[Any]) -> None:
    lines = lines_of(items)
    assert [line.data for line in lines] == items
    copy = "".join(line.body + "\n" for line in lines).encode()
    again = list(read_lines([copy], name="copy"))
    assert [(it.key, it.data) for it in again] == [(it.key, it.data) for it in lines]


def test_the_data_is_what_the_json_says() -> None:
    """As the flow will see it: keys are text, tuples are lists."""
    (line,) = lines_of([{1: (2, 3)}])
    assert line.data == {"1": [2, 3]}


def test_a_dataclass_is_the_object_it_describes() -> None:
    (line,) = lines_of([Article(7, date(2024, 2, 29))])
    assert line.data == {"id": 7, "published": "2024-02-29"}
    assert line.key == "7"


def test_a_pydantic_model_is_the_object_it_describes_wherever_it_is() -> None:
    model = Model(id="m", at=datetime(2024, 2, 29, tzinfo=UTC))
    plain, nested = lines_of([model, {"models": [model]}])
    assert plain.data == {"id": "m", "at": "2024-02-29T00:00:00Z"}
    assert plain.key == "m"
    assert nested.data == {"models": [plain.data]}


def test_another_field_may_hold_the_key() -> None:
    assert [it.key for it in lines_of([{"id": 1, "url": "u"}, {}], key_field="url")] == ["u", None]


def test_an_item_has_no_line() -> None:
    (line,) = lines_of([1])
    assert (line.number, line.end, line.place) == (0, 0, "articles: record 0")


def test_text_stays_as_small_as_it_is() -> None:
    (line,) = lines_of(["日本"])
    assert line.body == '"日本"'


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({1, 2}, "item 1 (set) cannot be a record: a set in it is not JSON"),
        ({"at": datetime(2024, 1, 1)}, "item 1 (dict) cannot be a record: a datetime in it"),  # noqa: DTZ001
        ([b"x"], "item 1 (list) cannot be a record: a bytes in it is not JSON"),
        (Article, "item 1 (type) cannot be a record: a type in it is not JSON"),
        (float("nan"), "item 1 (float) cannot be a record: Out of range float values"),
        ({"a": float("inf")}, "item 1 (dict) cannot be a record: Out of range float values"),
        ({(1, 2): 3}, "item 1 (dict) cannot be a record: keys must be str"),
        ({"id": "x" * 1501}, "item 1 (dict) cannot be a record: the key in 'id' has 1,501 bytes"),
        ("x" * MAX_RECORD_BYTES, "item 1 (str) cannot be a record: the record has 524,290 bytes"),
    ],
)
def test_an_item_that_cannot_be_a_record_is_named(item: Any, problem: str) -> None:
    assert refusal([{}, item]).startswith(f"articles: {problem}")


def test_an_item_that_holds_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert "item 0 (list) cannot be a record: Circular reference" in refusal([circle])


def test_an_item_that_is_nested_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    assert "item 0 (list) cannot be a record: nested deeper than 200 levels" in refusal([deep])


def test_the_largest_item_is_taken() -> None:
    (line,) = lines_of(["x" * (MAX_RECORD_BYTES - 2)])
    assert len(json.dumps(line.data)) == MAX_RECORD_BYTES


def test_an_error_in_the_source_is_told_as_the_sources() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("url")

    assert refusal(broken()) == "articles: KeyError before item 2: 'url'"


async def of_the_async_kind() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize(
    "items", ["records.jsonl", b"1\n2\n", {"id": 1}, None, 7, of_the_async_kind()]
)
def test_what_is_no_list_of_records_is_refused(items: Any) -> None:
    kind = type(items).__name__
    assert refusal(items).startswith(f"articles: {kind} is no list of records. Give a list")


def test_items_are_taken_only_as_they_are_asked_for() -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(1)
            yield len(taken)

    lines = from_iterable(endless(), name="endless")
    assert [next(lines).data for _ in range(3)] == [1, 2, 3]
    assert len(taken) == 3
