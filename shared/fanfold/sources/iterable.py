"""Records from Python: a flow's own source, a list, a generator."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, key_of, parse, too_large

_NOT_ITERABLE = "Give a list, or a generator that yields one record at a time."


def from_iterable(items: Iterable[Any], *, name: str, key_field: str = "id") -> Iterator[Line]:
    """Each item as JSON; pydantic models and dataclasses as the objects they describe.

    The data is what the JSON says, parsed again: a check sees what the flow will see.
    """
    for index, item in enumerate(_items_of(items, name)):
        try:
            body = _body_of(item)
            data = parse(body)
            value = data.get(key_field) if isinstance(data, dict) else None
            key = key_of(value, key_field)
        except (TypeError, ValueError, RecursionError) as error:
            raise SourceInvalid(
                f"{name}: item {index} ({type(item).__name__}) cannot be a record: {error}. "
                "A record is plain JSON data, a dataclass or a pydantic model."
            ) from error
        yield Line(key, body, 0, 0, data, name)


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
        raise SourceInvalid(
            f"{name}: {type(error).__name__} before item {index}: {error}"
        ) from error


def _body_of(item: Any) -> str:
    body = json.dumps(item, allow_nan=False, ensure_ascii=False, default=_plain)
    try:
        size = len(body.encode())
    except UnicodeEncodeError:  # half a surrogate pair: as an escape it can be stored
        body = json.dumps(item, allow_nan=False, default=_plain)
        size = len(body)
    if size > MAX_RECORD_BYTES:
        raise ValueError(too_large(size).rstrip("."))
    return body


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        return to_jsonable_python(value)
    raise TypeError(f"a {type(value).__name__} in it is not JSON")
