"""What this dialect's documents have in common.

A moment that is not known is left out: the Go client reads no empty ones. Everything else that is
not known is null, so that a document always has the same keys.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer

_MOMENTS = ("_at", "_time", "_updated")


class Document(BaseModel):
    @model_serializer(mode="wrap")
    def _without_unknown_moments(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        return {
            name: value
            for name, value in written.items()
            if value is not None or not name.endswith(_MOMENTS)
        }


class Listed(Document):
    """A page of a list, for clients that go on by `marker` and for those that go on by `offset`."""

    limit: int
    offset: int
    #: of those there are; counted as far as was looked
    total: int
    has_next_page: bool
    had_more: bool
    marker: str | None


def as_object(value: Any) -> dict[str, Any] | None:
    """For clients that read nothing but objects there."""
    if value is None or isinstance(value, dict):
        return value
    return {"value": value}
