"""Scatter and gather, the smallest: some numbers, each doubled by itself, and their sum.

    fanfold run fanfold.flows.doubling                          # 120
    fanfold run fanfold.flows.doubling --param count=5          # 300
    fanfold graph fanfold.flows.doubling

A record names its numbers, `{"numbers": [1, 2]}`; one that names none has 10, 20, 30 and so on, as
many as the parameter `count` says. `fanfold.flows.doubling_apart` is the same, with its items as a
batch of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fanfold import Context, Flow, Permanent, Result

COUNT = 3


def one_record() -> list[dict[str, Any]]:
    return [{}]


def start(record: dict[str, Any] | None, ctx: Context) -> list[int]:
    """The record's numbers, or as many as are asked for."""
    if record and "numbers" in record:
        numbers: list[int] = record["numbers"]
        return numbers
    count = ctx.parameters.get("count", COUNT)
    if not isinstance(count, int) or count < 0:
        raise Permanent(f"count must be 0 or more, not {count!r}")
    return [10 * number for number in range(1, count + 1)]


def double(number: int) -> int:
    return number * 2


def total(results: Iterable[Result]) -> int:
    """Over all records, as each has its own sum."""
    sums: list[int] = [result.output for result in results if result.ok]
    return sum(sums)


doubling = (
    Flow("doubling", title="Double each number, and add them up", source=one_record, fold=total)
    .node("start", start)
    .batch("double", double)
    .node("sum", sum)
    .edge("start", "double_scatter")
    .edge("double_gather", "sum")
)
