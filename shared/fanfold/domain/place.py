"""Places in a record: fields and items with dots between them (`a.b.0`); `.` is all of it."""

from __future__ import annotations

from typing import Any

#: the record itself
WHOLE = "."


class NoSuchPlace(LookupError):
    """The record has nothing there."""


def value_at(data: Any, place: str) -> Any:
    """Raises NoSuchPlace."""
    if place == WHOLE:
        return data
    # A column may itself be called `a.b`.
    if isinstance(data, dict) and place in data:
        return data[place]
    value = data
    for part in place.split("."):
        match value:
            case dict() if part in value:
                value = value[part]
            case list() if part.isascii() and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            case _:
                raise NoSuchPlace(place)
    return value
