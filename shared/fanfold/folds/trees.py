"""Folds that are made of pages: each page by itself, then neighbours together.

    results ─▶ pages ─leaf─▶ partials ─combine─▶ … ─combine─▶ one partial ─finish─▶ output

                                       ┌── page 0 ──┐
                              ┌─────── ┤            ├ combine
              output ◀─finish─┤        └── page 1 ──┘
                              └─────── ─── page 2

A partial is what is known of a stretch of records. `combine` is given those of two stretches that
lie next to each other, the earlier one first, so it need not be commutative; it must be
associative, for how the stretches grow is nobody's promise. A partial is JSON text between any two
calls, also where one process does it all: so it makes no difference who works on which page.

Called as every fold is, a tree works page by page and holds, as a binary counter does, at most one
partial for each power of two: a million results in pages of 5,000 are eight.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from fanfold.errors import FlowInvalid
from fanfold.folds.as_json import as_json
from fanfold.folds.result import Result

PAGE = 5000


@dataclass(frozen=True, slots=True)
class Tree:
    #: what is known of one page of results
    leaf: Callable[[Iterable[Result]], Any]
    #: what is known of two stretches, of what is known of each
    combine: Callable[[Any, Any], Any]
    #: what the fold makes, of what is known of all; None: that itself
    finish: Callable[[Any], Any] | None = None
    #: results in one page
    page: int = PAGE

    def __call__(self, results: Iterable[Result]) -> Any:
        return self.output(self.joined(self.partial(page) for page in _paged(results, self.page)))

    def pages(self, total: int) -> list[range]:
        """The stretches of so many records, in order; none of none."""
        return [range(low, min(low + self.page, total)) for low in range(0, total, self.page)]

    def partial(self, results: Iterable[Result]) -> str:
        """What is known of one page, as JSON text."""
        return as_json(self.leaf(results), "the fold's leaf")

    def joined(self, partials: Iterable[str]) -> str:
        """What is known of neighbouring stretches together, as JSON text. They are given in order
        and taken one at a time; of none, it is what is known of a page without results."""
        # of so many pages each, every one at least twice the next
        held: list[tuple[int, str]] = []
        for partial in partials:
            pages, text = 1, partial
            while held and held[-1][0] == pages:
                text = self._combined(held.pop()[1], text)
                pages *= 2
            held.append((pages, text))
        if not held:
            return self.partial(())
        _, text = held.pop()
        while held:
            text = self._combined(held.pop()[1], text)
        return text

    def output(self, partial: str | None) -> Any:
        """What the fold makes, of what is known of all records; None where there are none."""
        whole = json.loads(self.partial(()) if partial is None else partial)
        return whole if self.finish is None else self.finish(whole)

    def _combined(self, earlier: str, later: str) -> str:
        both = self.combine(json.loads(earlier), json.loads(later))
        return as_json(both, "the fold's combine")


def tree(
    leaf: Callable[[Iterable[Result]], Any],
    combine: Callable[[Any, Any], Any],
    finish: Callable[[Any], Any] | None = None,
    page: int = PAGE,
) -> Tree:
    """A fold of pages: `leaf(results)` of one page, `combine(earlier, later)` of two stretches,
    `finish(partial)` of all. What the first two return is JSON data, a dataclass or a pydantic
    model, and comes back as plain JSON data."""
    for name, it in (("leaf", leaf), ("combine", combine), ("finish", finish)):
        if not callable(it) and not (name == "finish" and it is None):
            raise FlowInvalid(f"tree({name}={it!r}): write a function")
    if isinstance(page, bool) or not isinstance(page, int) or page < 1:
        raise FlowInvalid(f"tree(page={page!r}): write how many results are in a page, 1 or more")
    return Tree(leaf, combine, finish, page)


def _paged(results: Iterable[Result], page: int) -> Iterator[Iterator[Result]]:
    """The results, a page at a time; none that has no results. What a page's reader has left is
    passed over."""
    rest = iter(results)
    for first in rest:
        its = chain([first], islice(rest, page - 1))
        yield its
        deque(its, maxlen=0)
