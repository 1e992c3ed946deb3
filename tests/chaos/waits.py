"""Flows that wait: for somebody, and for their items."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fanfold import Context, Flow, Permanent, Result, flow
from fanfold.folds import tree


def noted(record: dict[str, Any], what: str) -> None:
    with Path(record["notes"]).open("a") as file:
        file.write(f"{what}\n")


def begin(record: dict[str, Any]) -> dict[str, Any]:
    noted(record, "begun")
    return record


def priced(record: dict[str, Any]) -> int:
    noted(record, "priced")
    return 17


def approve(record: dict[str, Any], ctx: Context) -> str:
    price = ctx.step("price", priced, record)
    answer: str = ctx.ask(f"Buy for {price}?", schema=str)
    noted(record, "answered")
    return answer


asking = Flow("asking").node("begin", begin).node("approve", approve).edge("begin", "approve")


def items(record: dict[str, Any]) -> list[dict[str, Any]]:
    noted(record, "begun")
    return [{"n": n, "bad": record.get("bad")} for n in range(record["items"])]


def doubled(item: dict[str, Any], ctx: Context) -> int:
    if item["n"] == item["bad"] and not ctx.parameters.get("mended"):
        raise Permanent("this one is bad")
    return 2 * int(item["n"])


scattering = (
    Flow("scattering", retries=0)
    .node("items", items)
    .batch("double", doubled, distributed=True)
    .node("sum", sum)
    .edge("items", "double_scatter")
    .edge("double_gather", "sum")
)


many = (
    Flow("many")
    .node("start", lambda record: list(range(record)))
    .batch("double", lambda n: 2 * n, distributed=True, concurrency=1000)
    .node("sum", sum)
    .edge("start", "double_scatter")
    .edge("double_gather", "sum")
)


def hang(_item: dict[str, Any], ctx: Context) -> None:
    ctx.sleep(3600)


endless = (
    Flow("endless").node("items", items).batch("hang", hang, distributed=True).edge("items", "hang")
)
nested = (
    Flow("nested")
    .node("items", lambda record: [record, record])
    .batch("inner", endless, distributed=True)
    .edge("items", "inner")
)


def numbers(results: Iterable[Result]) -> list[int]:
    return [result.output for result in results]


@flow(fold=tree(numbers, lambda a, b: a + b, page=2))
def paged(record: int) -> int:
    return record


def refuses(results: Iterable[Result]) -> list[int]:
    found = numbers(results)
    if 7 in found:
        raise ValueError("not seven")
    return found


@flow(fold=tree(refuses, lambda a, b: a + b, page=2))
def refused(record: int) -> int:
    return record
