"""A nest of scattered nodes: regions, their shops, the shops' bills. One bill in 100 is bad."""

from __future__ import annotations

from typing import Any

from fanfold import Flow, Permanent, is_failed

REGIONS, SHOPS, BILLS = 10, 10, 100
BAD = 37


def shops(region: dict[str, Any]) -> list[int]:
    return [region["n"] * SHOPS + shop for shop in range(SHOPS)]


def bills(shop: int) -> list[int]:
    return [shop * BILLS + bill for bill in range(BILLS)]


def paid(bill: int) -> int:
    if bill % BILLS == BAD:
        raise Permanent("this bill is bad")
    return bill


def summed(values: list[Any]) -> dict[str, int]:
    return {
        "paid": sum(1 for it in values if not is_failed(it)),
        "bad": sum(1 for it in values if is_failed(it)),
    }


def totals(values: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(it[name] for it in values) for name in ("paid", "bad")}


shop = (
    Flow("shop")
    .node("bills", bills)
    .batch("pay", paid, distributed=True, on_failure="partial", concurrency=20)
    .node("sum", summed)
    .edge("bills", "pay")
    .edge("pay", "sum")
)

nest = (
    Flow("nest")
    .node("shops", shops)
    .batch("shop", shop, distributed=True)
    .node("sum", totals)
    .edge("shops", "shop")
    .edge("shop", "sum")
)
