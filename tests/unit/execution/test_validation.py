from __future__ import annotations

import dataclasses
import functools
import json
import math
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Optional
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer, field_validator

from fanfold import Context, Flow, flow
from fanfold.execution.output import MAX_DEPTH
from fanfold.execution.validation import (
    InputInvalid,
    OutputInvalid,
    check_input,
    dump_output,
    input_schema,
)

if TYPE_CHECKING:
    from somewhere import Missing  # type: ignore[import-not-found]


class Item(BaseModel):
    name: str
    price: float = 1.0
    parts: list[Item] = []


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Row(typing.TypedDict):
    id: int
    tags: NotRequired[list[str]]
    inner: NotRequired[Optional[Inner]]  # noqa: UP045  both spellings are met


class Inner(typing.TypedDict):
    depth: int


class Loose(typing.TypedDict, total=False):
    id: typing.Required[int]
    note: str


class Tree(typing.TypedDict):
    kids: list[Tree]


class Color(StrEnum):
    RED = "red"


def takes(annotation: Any) -> Flow:
    def f(record: Any) -> Any:
        return record

    f.__annotations__ = {"record": annotation}
    return flow(f)


def returns(annotation: Any) -> Flow:
    def f(record: Any) -> Any:
        return record

    f.__annotations__ = {"return": annotation}
    return flow(f)


def refusal(subject: Flow, data: Any) -> str:
    with pytest.raises(InputInvalid) as caught:
        check_input(subject, data)
    return str(caught.value)


def output_refusal(value: Any, annotation: Any = Any) -> str:
    with pytest.raises(OutputInvalid) as caught:
        dump_output(returns(annotation), value)
    return str(caught.value)


# ---------------------------------------------------------------- records


@pytest.mark.parametrize(
    ("annotation", "data", "expected"),
    [
        (dict, {"a": 1}, {"a": 1}),
        (dict[str, Any], {"a": 1}, {"a": 1}),
        (str, "text", "text"),
        (int, 3, 3),
        (float, 3, 3.0),
        (list[int], [1, 2], [1, 2]),
        (Literal["a", "b"], "b", "b"),
        (int | str, "x", "x"),
        (date, "2024-02-29", date(2024, 2, 29)),
        (Color, "red", Color.RED),
        (Item, {"name": "n", "price": 2}, Item(name="n", price=2.0)),
        (Point, {"x": 1}, Point(1)),
        (Row, {"id": 1, "tags": ["t"]}, {"id": 1, "tags": ["t"]}),
        (list[Row], [{"id": 1}], [{"id": 1}]),
        (Loose, {"id": 1}, {"id": 1}),
        (Row | None, None, None),
        (Tree, {"kids": [{"kids": []}]}, {"kids": [{"kids": []}]}),
        (Annotated[int, Field(gt=0)], 1, 1),
        (Any, object, object),
        (object, 1, 1),
    ],
)
def test_a_record_that_fits_comes_as_the_flow_wants_it(
    annotation: Any, data: Any, expected: Any
) -> None:
    assert check_input(takes(annotation), data) == expected


@pytest.mark.parametrize(
    ("annotation", "data", "expected"),
    [
        (dict, "text", "record: Input should be an object, got 'text'"),
        (dict, [["a", 1]], "record: Input should be an object, got [['a', 1]]"),
        (str, 3, "record: Input should be a valid string, got 3"),
        (list, {}, "record: Input should be a valid array, got {}"),
        (list[int], [1, "x"], "1: Input should be a valid integer"),
        (Literal["a", "b"], "c", "record: Input should be 'a' or 'b', got 'c'"),
        (Item, {"name": "n", "price": "x"}, "price: Input should be a valid number"),
        (Item, {"name": "n", "parts": [{}]}, "parts.0.name: Field required"),
        (Item, {}, "name: Field required"),
        (Point, {"x": None}, "x: Input should be a valid integer, got None"),
        (Row, {"id": "?"}, "id: Input should be a valid integer"),
        (Row, {"id": 1, "inner": {"depth": "?"}}, "inner.depth: Input should be a valid integer"),
        (Loose, {"note": "n"}, "id: Field required"),
        (Tree, {"kids": [3]}, "kids.0: Input should be an object, got 3"),
        (Annotated[int, Field(gt=0)], 0, "record: Input should be greater than 0, got 0"),
    ],
)
def test_a_record_that_does_not_fit_is_refused_with_the_field_and_the_problem(
    annotation: Any, data: Any, expected: str
) -> None:
    assert refusal(takes(annotation), data).startswith(expected)


def test_a_refusal_shows_what_it_got() -> None:
    assert refusal(takes(Item), {"name": "n", "price": "x"}).endswith(", got 'x'")


def test_a_refusal_is_bounded() -> None:
    message = refusal(takes(list[int]), ["x" * 10_000] * 100)
    assert "and 97 more" in message
    assert len(message) < 1500


def test_a_strict_model_takes_from_json_what_json_can_say() -> None:
    assert check_input(takes(Strict), {"day": "2024-02-29"}) == Strict(day=date(2024, 2, 29))
    assert "day: " in refusal(takes(Strict), {"day": 20240229})


def test_a_plain_record_is_handed_on_without_a_copy() -> None:
    data: dict[str, Any] = {"a": []}
    assert check_input(takes(dict), data) is data


def test_an_annotation_that_cannot_be_resolved_checks_nothing() -> None:
    @flow
    def f(record: Missing) -> Missing:
        return record

    assert check_input(f, 1) == 1
    assert dump_output(f, 1) == "1"
    assert input_schema(f) is None


def test_one_that_cannot_be_resolved_does_not_hide_the_others() -> None:
    @flow
    def f(record: Item, ctx: Context) -> Missing:  # noqa: ARG001  its annotation is what matters
        return record

    assert "name: Field required" in refusal(f, {})


def test_an_annotation_pydantic_does_not_know_checks_nothing() -> None:
    class Frame: ...

    assert check_input(takes(Frame), 1) == 1


def test_a_flow_without_annotations_takes_anything() -> None:
    @flow
    def f(record):  # type: ignore[no-untyped-def]
        return record

    @flow
    def g(*records):  # type: ignore[no-untyped-def]
        return records

    assert check_input(f, [1]) == [1]
    assert check_input(g, "x") == "x"
    assert input_schema(f) is None


def test_the_annotation_of_a_decorated_function_counts() -> None:
    def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def wrapper(*args: Any) -> Any:
            return fn(*args)

        return wrapper

    @flow
    @logged
    def f(record: Item) -> str:
        return record.name

    assert check_input(f, {"name": "n"}) == Item(name="n")


def test_an_object_and_a_partial_have_annotations_too() -> None:
    class Doubler:
        def __call__(self, _record: Item) -> int:
            return 2

    def add(_record: Item, *, n: int) -> int:
        return n

    assert check_input(flow(id="doubler")(Doubler()), {"name": "n"}) == Item(name="n")
    assert check_input(flow(id="adder")(functools.partial(add, n=1)), {"name": "n"}) == Item(
        name="n"
    )


def test_a_validators_own_failure_is_the_flows() -> None:
    class Looked(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def look_up(cls, name: str) -> str:
            raise ConnectionError(name)

    with pytest.raises(ConnectionError):
        check_input(takes(Looked), {"name": "n"})


def test_the_schema_of_a_record_is_told() -> None:
    assert input_schema(takes(dict)) == {"type": "object", "additionalProperties": True}
    schema = input_schema(takes(Point))
    assert schema is not None
    assert schema["required"] == ["x"]


def test_a_type_without_a_schema_has_none() -> None:
    assert input_schema(takes(Callable[[], int])) is None


# ---------------------------------------------------------------- results


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, None, True]}, '{"a":[1,2.5,null,true]}'),
        ("ü\ud800", '"\\u00fc\\ud800"'),
        ((1, 2), "[1,2]"),
        (None, "null"),
        (Item(name="n"), '{"name":"n","price":1.0,"parts":[]}'),
        ([Point(1, 2)], '[{"x":1,"y":2}]'),
        ({"at": datetime(2024, 2, 29, tzinfo=UTC)}, '{"at":"2024-02-29T00:00:00Z"}'),
        (UUID(int=0), '"00000000-0000-0000-0000-000000000000"'),
        (Decimal("1.50"), '"1.50"'),
        ({"color": Color.RED}, '{"color":"red"}'),
    ],
)
def test_a_result_is_compact_ascii_json(value: Any, expected: str) -> None:
    assert dump_output(returns(Any), value) == expected


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (str, "x", '"x"'),
        (None, None, "null"),
        (float, 1, "1"),
        (dict, {}, "{}"),
        (Item, Item(name="n"), '{"name":"n","price":1.0,"parts":[]}'),
        (Item, {"name": "n"}, '{"name":"n","price":1.0,"parts":[]}'),
        (list[Point], [{"x": "1"}], '[{"x":1,"y":0}]'),
        (Row, {"id": 1}, '{"id":1}'),
        (set[int], {1}, "[1]"),
        (date, date(2024, 2, 29), '"2024-02-29"'),
    ],
)
def test_a_result_is_written_as_announced(annotation: Any, value: Any, expected: str) -> None:
    assert dump_output(returns(annotation), value) == expected


def test_a_model_derived_from_the_announced_one_loses_nothing() -> None:
    class Special(Item):
        extra: int = 5

    assert json.loads(dump_output(returns(Item), Special(name="n")))["extra"] == 5


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (str, None, "output: Input should be a valid string, got None"),
        (None, 1, "output: Input should be None, got 1"),
        (Item, {"name": 1}, "name: Input should be a valid string, got 1"),
        (dict, [1], "output: Input should be a valid dictionary, got [1]"),
        (Literal["spam", "ham"], "eggs", "output: Input should be 'spam' or 'ham', got 'eggs'"),
    ],
)
def test_a_result_that_is_not_as_announced_is_refused(
    annotation: Any, value: Any, expected: str
) -> None:
    assert output_refusal(value, annotation) == expected


def circular() -> list[Any]:
    ring: list[Any] = []
    ring.append({"again": ring})
    return ring


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"in": value}
    return value


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError


class Broken(BaseModel):
    secret: SecretStr = SecretStr("x")

    @field_serializer("secret")
    def write(self, _value: SecretStr) -> str:
        raise RuntimeError("no key")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, object()]}, "output.a[1]: a value of type object has no JSON form"),
        ({"a": {1, 2}}, "output.a: a value of type set has no JSON form"),
        (iter([1]), "output: a value of type list_iterator has no JSON form"),
        (b"bytes", "output: a value of type bytes has no JSON form"),
        (Unprintable(), "output: a value of type Unprintable has no JSON form"),
        ({"a": [0.0, math.nan]}, "output.a[1]: nan is not JSON"),
        (math.inf, "output: inf is not JSON"),
        (Item(name="n", price=-math.inf), "output.price: -inf is not JSON"),
        ({("a", "b"): 1}, "output: keys must be str"),
        (circular(), "output[0].again: it contains itself"),
        (nested(MAX_DEPTH + 1), f"output: nested deeper than {MAX_DEPTH} levels"),
        (nested(100_000), f"output: nested deeper than {MAX_DEPTH} levels"),
        pytest.param(10**5000, "output: Exceeds the limit", id="a huge number"),
        (Broken(), "output.secret: Error calling function `write`: RuntimeError: no key"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(value: Any, expected: str) -> None:
    assert output_refusal(value).startswith(expected)


def test_an_announced_number_that_is_none_is_refused_all_the_same() -> None:
    assert "nan is not JSON" in output_refusal(math.nan, float)
    assert "nan is not JSON" in output_refusal([math.nan], list[float])
    assert "nan is not JSON" in output_refusal(Item(name="n", price=math.nan), Item)


def test_many_brackets_are_not_taken_for_depth() -> None:
    flat = [{"text": "[[[{{{" * 10}] * (MAX_DEPTH * 2)
    assert json.loads(dump_output(returns(Any), flat)) == flat
    deep = nested(MAX_DEPTH)
    assert json.loads(dump_output(returns(Any), deep)) == deep
