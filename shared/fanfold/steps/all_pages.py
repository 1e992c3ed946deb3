"""Everything that a store finds, however much: page by page, each behind the last one's id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Named)


def all_pages(find: Callable[[str], Sequence[T]]) -> Iterator[T]:
    """`find` gives what is behind this id, or nothing; behind no id: the first page."""
    before = ""
    while page := find(before):
        yield from page
        before = page[-1].id
