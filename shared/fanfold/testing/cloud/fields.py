"""Paths into a document's fields, and the order of values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from fanfold.testing.cloud.refusal import invalid, unimplemented

_PART = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)|`((?:[^`\\]|\\.)+)`")
_ORDER = {"null_value": 0, "boolean_value": 1, "integer_value": 2, "double_value": 2,
          "timestamp_value": 3, "string_value": 4, "bytes_value": 5,
          "reference_value": 6}  # fmt: skip


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[str, ...]:
    parts: list[str] = []
    at = 0
    while part := _PART.match(path, at):
        parts.append(part[1] or re.sub(r"\\(.)", r"\1", part[2]))
        at = part.end()
        if at == len(path):
            return tuple(parts)
        if path[at] != ".":
            break
        at += 1
    raise invalid(f'Invalid property path "{path}".')


def find(fields: Any, path: tuple[str, ...]) -> Any | None:
    """The value there, or None."""
    for name in path[:-1]:
        if name not in fields or fields[name].WhichOneof("value_type") != "map_value":
            return None
        fields = fields[name].map_value.fields
    # asking a map of messages for what it lacks would make it
    return fields[path[-1]] if path[-1] in fields else None  # noqa: SIM401


def place(fields: Any, path: tuple[str, ...]) -> Any:
    """The value there, made with the maps it lies in: what is no map is replaced by one."""
    for name in path[:-1]:
        if fields[name].WhichOneof("value_type") != "map_value":
            fields[name].map_value.SetInParent()
        fields = fields[name].map_value.fields
    return fields[path[-1]]


def remove(fields: Any, path: tuple[str, ...]) -> None:
    if find(fields, path) is None:
        return
    for name in path[:-1]:
        fields = fields[name].map_value.fields
    del fields[path[-1]]


def sort_key(value: Any) -> tuple[int, Any]:
    """Values of different types have an order, too; 1 and 1.0 are the same."""
    kind = value.WhichOneof("value_type")
    if kind not in _ORDER:
        raise unimplemented(f"order of {kind}")
    if kind == "timestamp_value":
        return _ORDER[kind], value.timestamp_value.ToNanoseconds()
    return _ORDER[kind], 0 if kind == "null_value" else getattr(value, kind)


def is_number(value: Any) -> bool:
    return value.WhichOneof("value_type") in ("integer_value", "double_value")
