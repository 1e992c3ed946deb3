"""Flows that the tests of the command line run."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fanfold import Context, Result, flow

print("flows.py is imported")  # noqa: T201  as users' modules do: it must not get between the data


class Priced(BaseModel):
    name: str
    price: float


def some() -> Iterator[dict[str, int]]:
    for n in range(4):
        yield {"id": n, "n": n}


def summed(results: Iterable[Result]) -> dict[str, Any]:
    every = list(results)
    return {"sum": sum(it.output for it in every if it.ok), "order": [it.index for it in every]}


@flow(id="sums", retries=0, source=some, fold=summed)
def sums(record: dict[str, int]) -> int:
    """Its n; the fold adds them up."""
    return record["n"]


@flow(id="priced", retries=0)
def priced(record: Priced) -> float:
    return record.price


@flow(id="tells", retries=0)
def tells(record: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """What it was given."""
    return {"record": record, "parameters": ctx.parameters}


@flow(id="chatty", retries=0)
def chatty(record: dict[str, Any]) -> str:
    """Prints to both streams."""
    print("a word", "on standard output", record["n"])  # noqa: T201
    print("a word on standard error", record["n"], file=sys.stderr)  # noqa: T201
    return "said"


@flow(id="broken_source", retries=0, source=lambda: (1 // n for n in (1, 0)))
def broken_source(record: int) -> int:
    return record


def broken(_results: Iterable[Result]) -> None:
    raise ValueError("nothing to add")


@flow(id="broken_fold", retries=0, source=some, fold=broken)
def broken_fold(record: dict[str, int]) -> int:
    return record["n"]


@flow(id="gated", retries=0)
def gated(record: dict[str, str]) -> str:
    """Says that it has begun, and waits for the gate to be there."""
    import time

    with Path(record["log"]).open("a") as log:
        log.write("begun\n")
    while not Path(record["gate"]).exists():
        time.sleep(0.005)
    with Path(record["log"]).open("a") as log:
        log.write("done\n")
    return "through"


@flow(id="spends", retries=1)
def spends(record: dict[str, Any], ctx: Context) -> str:
    """Says what it costs, at each attempt."""
    ctx.spend(record["dollars"])
    if record.get("bad") and ctx.attempt == 1:
        raise ValueError("the first attempt fails, and has cost as much")
    return "paid"
