"""Folds of the numbers at a place of the outputs: their total, their mean, the largest, how many
lie between which edges.

Where an output has nothing at the place, or null, it is left out, as records without an output are.
Anything else that is no number, and a number beyond all floats, is refused with its record's name:
a total without it would be wrong without showing it. true and false are no numbers.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import pairwise
from typing import Any, TypedDict

from fanfold.errors import FlowInvalid
from fanfold.folds import exact
from fanfold.folds.dotted import Place, place_at
from fanfold.folds.limits import MAX_RANKS
from fanfold.folds.result import Result
from fanfold.folds.trees import Tree
from fanfold.folds.who import who


class _Sum(TypedDict):
    #: exact.text_of
    units: str
    count: int
    #: of all of these, none was a float
    whole: bool


def total(place: str) -> Tree:
    """The sum of the numbers there, 0 if there are none. Of whole numbers it is exact; where a
    float is among them, the float next to the exact sum, in whatever order they were added."""

    def finish(sum_: _Sum) -> float:
        units = exact.units_in(sum_["units"])
        return exact.whole(units) if sum_["whole"] else _rounded("total", place, units)

    return _summed("total", place, finish)


def mean(place: str) -> Tree:
    """The mean of the numbers there, as the float next to the exact one; null if there are none."""

    def finish(sum_: _Sum) -> float | None:
        count = sum_["count"]
        return _rounded("mean", place, exact.units_in(sum_["units"]), count) if count else None

    return _summed("mean", place, finish)


def _summed(fold: str, place: str, finish: Any) -> Tree:
    where = place_at(place)

    def leaf(results: Iterable[Result]) -> _Sum:
        units, count, whole = 0, 0, True
        for _, number in _numbers(f"{fold}({place!r})", where, results):
            units += exact.exactly(number)
            count += 1
            whole = whole and isinstance(number, int)
        return {"units": exact.text_of(units), "count": count, "whole": whole}

    def combine(earlier: _Sum, later: _Sum) -> _Sum:
        units = exact.units_in(earlier["units"]) + exact.units_in(later["units"])
        return {
            "units": exact.text_of(units),
            "count": earlier["count"] + later["count"],
            "whole": earlier["whole"] and later["whole"],
        }

    return Tree(leaf, combine, finish)


def _rounded(fold: str, place: str, units: int, count: int = 1) -> float:
    try:
        return exact.rounded(units, count)
    except OverflowError:
        raise FlowInvalid(
            f"{fold}({place!r}): it is beyond all floats. Scale what the flow returns"
        ) from None


class _Ranked(TypedDict):
    index: int
    key: str | None
    value: float


def top(n: int, place: str, largest: bool = True) -> Tree:
    """The n records with the largest numbers there, or the smallest, as a list of {"index", "key",
    "value"}, the foremost first; of equal ones the earlier record is before the later."""
    if isinstance(n, bool) or not isinstance(n, int) or not 0 < n <= MAX_RANKS:
        raise FlowInvalid(f"top({n!r}, …): write how many records, from 1 to {MAX_RANKS:,}")
    where = place_at(place)

    def before(it: _Ranked) -> tuple[float, int]:
        return (-it["value"] if largest else it["value"], it["index"])

    def leaf(results: Iterable[Result]) -> list[_Ranked]:
        numbers = _numbers(f"top({n}, {place!r})", where, results)
        ranked: Iterator[_Ranked] = (
            {"index": result.index, "key": result.key, "value": number}
            for result, number in numbers
        )
        return nsmallest(n, ranked, key=before)

    def combine(earlier: list[_Ranked], later: list[_Ranked]) -> list[_Ranked]:
        return nsmallest(n, earlier + later, key=before)

    return Tree(leaf, combine)


def histogram(place: str, bins: Sequence[float]) -> Tree:
    """How many numbers there lie between which edges: {"below": …, "bins": [{"from": …, "to": …,
    "count": …}, …], "above": …}. `bins` are the edges, at least two, each larger than the one
    before it. A bin has its lower edge in it and not its upper one; the last edge is above."""
    edges = _edges(bins)
    where = place_at(place)

    def leaf(results: Iterable[Result]) -> list[int]:
        counts = [0] * (len(edges) + 1)
        for _, number in _numbers(f"histogram({place!r})", where, results):
            counts[bisect_right(edges, number)] += 1
        return counts

    def combine(earlier: list[int], later: list[int]) -> list[int]:
        return [a + b for a, b in zip(earlier, later, strict=True)]

    def finish(counts: list[int]) -> dict[str, Any]:
        between = zip(pairwise(edges), counts[1:-1], strict=True)
        return {
            "below": counts[0],
            "bins": [{"from": low, "to": high, "count": count} for (low, high), count in between],
            "above": counts[-1],
        }

    return Tree(leaf, combine, finish)


def _edges(bins: Sequence[float]) -> list[float]:
    edges = [] if isinstance(bins, str | int | float) else list(bins)
    if len(edges) < 2 or not all(_is_number(it) for it in edges):
        raise FlowInvalid(f"histogram(…, {bins!r}): write the edges of the bins: [0, 10, 100]")
    if any(low >= high for low, high in pairwise(edges)):
        raise FlowInvalid(f"histogram(…, {bins!r}): each edge must be larger than the one before")
    return edges


def _numbers(fold: str, where: Place, results: Iterable[Result]) -> Iterator[tuple[Result, float]]:
    for result in results:
        value = where.of(result.output) if result.ok else None
        if value is None:
            continue
        if not _is_number(value):
            what = (
                f"{value} there" if isinstance(value, float) else f"a {type(value).__name__} there"
            )
            raise FlowInvalid(f"{fold} takes numbers; {who(result)} has {what}")
        yield result, value


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) if isinstance(value, float) else True
