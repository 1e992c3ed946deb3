"""What becomes of each node is in the log of a run that was started by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fanfold import Context, Flow, Permanent
from fanfold.execution.durable import Durable, Suspended
from fanfold.graphs.running import run_graph


def one(value: Any) -> Any:
    return value


def fails(value: Any) -> Any:
    raise Permanent(f"no {value}")


def asks(_: Any, context: Context) -> Any:
    return context.ask("Sure?")


def context(**more: Any) -> Context:
    return Context(batch_id="batch-aaaaaaaaaaaaaaaa", index=0, **{"tells": True, **more})


def told(of: Context) -> list[tuple[str, str]]:
    return [(it.code, json.loads(it.fields)["node"]) for it in of.entries]


def test_each_node_s_beginning_and_end_are_told_also_of_graphs_within() -> None:
    inner = Flow("inner").node("x", one)
    it = context()
    run_graph(Flow("f").node("a", one).node("b", inner).edge("a", "b").graph, 1, it, 1)
    assert told(it) == [
        ("node_started", "a"), ("node_succeeded", "a"),
        ("node_started", "b"), ("node_started", "b/x"),
        ("node_succeeded", "b/x"), ("node_succeeded", "b"),
    ]  # fmt: skip


def test_a_failure_is_told_where_it_was_with_what_it_said() -> None:
    it = context()
    with pytest.raises(Permanent):
        run_graph(Flow("f").node("a", fails).graph, 1, it, 1)
    began, failed = it.entries
    assert (began.level, began.message) == ("info", "a began")
    assert (failed.level, failed.message) == ("error", "a failed: Permanent: no 1")
    assert json.loads(failed.fields) == {"node": "a", "error": "Permanent: no 1"}


def test_a_node_that_waits_says_so_and_what_has_ended_is_not_told_again() -> None:
    graph = Flow("f").node("a", one).node("b", asks).edge("a", "b").graph
    first = context()
    first.durable = Durable(no_questions="")
    with pytest.raises(Suspended):
        run_graph(graph, 1, first, 1)
    assert told(first)[2:] == [("node_started", "b"), ("node_waits", "b")]
    again = context()
    again.durable = first.durable
    with pytest.raises(Suspended):
        run_graph(graph, 1, again, 1)
    assert told(again) == [("node_started", "b"), ("node_waits", "b")]


def test_items_tell_nothing_there_may_be_hundreds() -> None:
    it = context()
    graph = Flow("f").batch("each", Flow("inner").node("x", one), concurrency=2).graph
    run_graph(graph, [1, 2, 3], it, 2)
    assert told(it) == [("node_started", "each"), ("node_succeeded", "each")]


def test_a_record_of_a_batch_tells_nothing_it_would_be_paid_for_a_hundred_thousand_times() -> None:
    it = context(tells=False)
    run_graph(Flow("f").node("a", one).graph, 1, it, 1)
    assert it.entries == []
