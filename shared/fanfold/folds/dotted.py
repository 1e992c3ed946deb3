"""A dotted place in a value: `label`, `details.score`, `items.0.name`; `.` is the value itself.

A part that is a number is also a list's position. A key with a dot in it has no place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fanfold.errors import OptionInvalid

ITSELF = "."


@dataclass(frozen=True, slots=True)
class Place:
    text: str
    parts: tuple[str, ...]

    def of(self, value: Any) -> Any:
        """What is there; None where nothing is."""
        for part in self.parts:
            match value:
                case dict():
                    value = value.get(part)
                case list() if part.isdecimal() and int(part) < len(value):
                    value = value[int(part)]
                case _:
                    return None
        return value


def place_at(text: str) -> Place:
    if text == ITSELF:
        return Place(text, ())
    parts = tuple(text.split("."))
    if not all(parts):
        raise OptionInvalid(
            f"{text!r} is no place in an output. Write it like label or details.score; "
            "a single dot is the output itself"
        )
    return Place(text, parts)
