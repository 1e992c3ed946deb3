"""Graphs of all kinds, of functions that have a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from fanfold import Flow, flow


def same(value: Any) -> Any:
    return value


def listed(_value: Any) -> list[int]:
    return [1, 2, 3]


def many(_value: Any) -> int:
    return 7


def holds(output: Any) -> bool:
    return output is not None


def paired(one: Any, other: Any = None) -> list[Any]:
    return [one, other]


@flow(retries=1, timeout=30, version="2")
def function(record: Any) -> Any:
    """A function, described."""
    return record


inner = (
    Flow("inner", title="Within", concurrency=2)
    .node("first", same)
    .node("last", function)
    .edge("first", "last")
)

WORKERS: list[Callable[..., Any]] = [same, inner, function]
FUNCTIONS: list[Callable[..., Any]] = [*WORKERS, many, str]
CONDITIONS = [None, None, "output != 7", 'record["a"] == 1 or output', holds]


@st.composite
def graphs(draw: st.DrawFn, largest: int = 7) -> Flow:
    """Each node may have edges from any of those before it."""
    built = Flow(
        "random",
        description=draw(st.sampled_from(["", "Drawn."])),
        concurrency=draw(st.integers(1, 3)),
        retries=draw(st.integers(0, 2)),
        timeout=draw(st.sampled_from([None, 30, 0.5])),
    )
    ids = [f"node-{number}" for number in range(draw(st.integers(1, largest)))]
    for number, id in enumerate(ids):
        before = draw(st.lists(st.sampled_from(ids[:number]), unique=True)) if number else []
        join: Any = draw(st.sampled_from(["all", "any"]))
        retries = draw(st.integers(0, 1))
        if draw(st.booleans()) and before:
            built.node(f"{id}-list", listed).edge(before[0], f"{id}-list")
            worker = draw(st.sampled_from(WORKERS))
            built.batch(id, worker, input_key=f"{id}-list", concurrency=2, retries=retries,
                        on_failure="partial", output_key=f"{id}_out", join=join)  # fmt: skip
            built.edge(f"{id}-list", f"{id}_scatter")
            before = before[1:]
        else:
            called = draw(st.sampled_from(FUNCTIONS))
            built.node(id, called, join=join, retries=retries, timeout=20,
                       inputs=None if before else "record",  # nothing may lead from it either
                       fallback=draw(st.sampled_from([None, same])))  # fmt: skip
        for source in before:
            built.edge(source, id, when=draw(st.sampled_from(CONDITIONS)))
    return built
