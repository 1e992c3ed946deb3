"""A function with @flow is the one node that it is, by itself and within a graph."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fanfold import Flow, flow
from fanfold.errors import FlowInvalid
from fanfold.execution.library import Found


@flow(retries=0)
def shout(record: str) -> str:
    return record.upper()


@flow(retries=0, timeout=0.05)
def slow(_record: Any) -> None:
    time.sleep(1)


def test_a_function_is_run_here_and_now_as_a_graph_is() -> None:
    assert shout.run("a") == "A"


def test_a_function_is_a_node_of_a_graph_with_its_own_types() -> None:
    assert Flow("two").node("say", shout).run("a") == "A"
    with pytest.raises(FlowInvalid, match="node 'say' takes str"):
        _numbers().check()


def _numbers() -> Flow:
    def one(_record: Any) -> int:
        return 1

    return Flow("two").node("one", one).node("say", shout).edge("one", "say")


def test_a_function_keeps_its_timeout_within_a_graph() -> None:
    with pytest.raises(Exception, match=r"ran longer than its 0\.05 s"):
        Flow("two").node("wait", slow).run()


def greet(name: str, mark: str) -> str:
    return name + mark


def mark(name: str, mark: str) -> str:
    return mark + name


@pytest.mark.parametrize(("one", "other"), [(sum, max), (greet, mark)])
def test_a_graph_s_version_changes_with_its_nodes_functions(one: Any, other: Any) -> None:
    def version(fn: Any) -> str:
        inputs = {"name": "record.name", "mark": "record.mark"}
        return Flow("x").node("a", fn, inputs=inputs).check().version

    assert version(one) == version(one) != version(other)


def test_a_graph_s_version_changes_with_its_conditions() -> None:
    def version(when: Any) -> str:
        return Flow("x").node("a", len).node("b", len).edge("a", "b", when=when).check().version

    assert len({version(None), version("output > 1"), version(bool), version(callable)}) == 4


def test_a_batch_remembers_the_version_of_a_graph_that_nobody_has_looked_at() -> None:
    assert Found(Flow("x").node("a", len), "x:x").ref.version == (
        Flow("x").node("a", len).check().version
    )
    with pytest.raises(FlowInvalid, match="flow x has no nodes"):
        _ = Found(Flow("x"), "x:x").ref
