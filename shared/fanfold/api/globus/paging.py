"""Pages of a list that is small enough to be held: by `marker`, or by `offset`.

A marker of these lists says how many are before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query
from fastapi.exceptions import RequestValidationError

T = TypeVar("T")
_USUAL, _MOST = 20, 200
#: a list may be read so far by its offset
FARTHEST = 10_000


class _Asked:
    """Which page is asked for."""

    def __init__(
        self,
        limit: Annotated[int | None, Query(ge=1, le=_MOST, description="at most so many")] = None,
        per_page: Annotated[int | None, Query(ge=1, le=_MOST, description="as limit")] = None,
        offset: Annotated[int, Query(ge=0, le=FARTHEST, description="behind so many")] = 0,
        marker: Annotated[
            str | None, Query(max_length=100, description="of the page before")
        ] = None,
    ) -> None:
        self.limit = limit or per_page or _USUAL
        self.offset = offset
        self.marker = marker or None

    @property
    def start(self) -> int:
        """Of a list whose markers are numbers."""
        if self.marker is None:
            return self.offset
        if not (self.marker.isascii() and self.marker.isdecimal()):
            raise refused("marker", "it is none of this list's")
        return min(int(self.marker), 1 << 40)


#: for a call's parameter
Asked = Annotated[_Asked, Depends()]


def refused(name: str, message: str) -> RequestValidationError:
    """Of a query's parameter."""
    return RequestValidationError([{"loc": ("query", name), "msg": message, "type": "value_error"}])


def page_of(its: Sequence[T], asked: _Asked) -> tuple[list[T], dict[str, Any]]:
    """Those on the page, and what a list says of it (documents.Listed)."""
    start = asked.start
    page = list(its[start : start + asked.limit])
    return page, about_page(asked, start, len(its), more=start + len(page) < len(its))


def about_page(
    asked: _Asked, start: int, total: int, *, more: bool, marker: str | None = None
) -> dict[str, Any]:
    return {
        "limit": asked.limit,
        "offset": start,
        "total": total,
        "has_next_page": more,
        "had_more": more,
        "marker": (marker or str(start + asked.limit)) if more else None,
    }


def listed(text: str | None) -> list[str]:
    """Words with commas between them; an empty one is none."""
    return [it for it in (text or "").split(",") if it]


def words_of(name: str, text: str | None, known: Sequence[str]) -> frozenset[str]:
    """Of a query's parameter, in whose words with commas between them there may be these alone."""
    given = listed(text)
    if unknown := [it for it in given if it not in known]:
        raise refused(name, f"{unknown[0]!r}: one of {', '.join(known)}")
    return frozenset(given)


def orders_of(given: Sequence[str] | None, known: Sequence[str]) -> list[tuple[str, bool]]:
    """`title ASC`, `updated_at:DESC`, each by itself or with commas between them: the field, and
    whether it goes down. The first counts most."""
    orders = []
    for it in (one.strip() for text in given or () for one in text.split(",")):
        name, _, direction = it.replace(":", " ").partition(" ")
        if not it:
            continue
        if name not in known or direction.upper() not in ("", "ASC", "DESC"):
            raise refused("orderby", f"{it!r}: one of {', '.join(known)}, and ASC or DESC")
        orders.append((name, direction.upper() == "DESC"))
    return orders


def in_order(its: list[T], orders: Sequence[tuple[str, bool]]) -> list[T]:
    """By the fields of these names; what has none is last."""
    for name, down in reversed(orders):
        valued = [(getattr(it, name), it) for it in its]
        known = [pair for pair in valued if pair[0] is not None]
        known.sort(key=lambda pair: _sortable(pair[0]), reverse=down)
        its = [it for _, it in (*known, *(pair for pair in valued if pair[0] is None))]
    return its


def _sortable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
