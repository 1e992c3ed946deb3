"""Records from Python: a flow's own source, a list, a generator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from fanfold.errors import SourceBroken, SourceInvalid
from fanfold.sources.line import Line, OnProblem, body_of, field_key, parse, refuse

_NOT_ITERABLE = "Give a list, or a generator that yields one record at a time."


def from_iterable(
    items: Iterable[Any], *, name: str, key_field: str = "id", on_problem: OnProblem = refuse
) -> Iterator[Line]:
    """Each item as JSON; pydantic models and dataclasses as the objects they describe.

    The data is what the JSON says, parsed again: a check sees what the flow will see.
    """
    for index, item in enumerate(_items_of(items, name)):
        try:
            body = body_of(item, _plain)
            data = parse(body)
            key = field_key(data, key_field)
        except (TypeError, ValueError, RecursionError) as error:
            problem = SourceInvalid(
                f"{name}: item {index} ({type(item).__name__}) cannot be a record: {error}. "
                "A record is plain JSON data, a dataclass or a pydantic model."
            )
            problem.__cause__ = error
            on_problem(problem)
            continue
        yield Line(key, body, 0, 0, data, f"{name}: record {index}")


def _items_of(items: Iterable[Any], name: str) -> Iterator[Any]:
    """The items; what their iterable raises on the way is the source's own fault, told as such."""
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        kind = type(items).__name__
        raise SourceInvalid(f"{name}: {kind} is no list of records. {_NOT_ITERABLE}")
    index = 0
    try:
        for item in items:
            yield item
            index += 1
    except Exception as error:
        raise SourceBroken(
            f"{name}: {type(error).__name__} before item {index}: {error}"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        return to_jsonable_python(value)
    raise TypeError(f"a {type(value).__name__} in it is not JSON")
