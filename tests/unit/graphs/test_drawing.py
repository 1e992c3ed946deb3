"""Drawings are right before they are pretty: each edge is there, once, and no line is too long."""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent

import pytest
from hypothesis import given, settings
from rich.cells import cell_len

from fanfold import Flow, action
from tests.unit.graphs.some import function, graphs, holds, same


@action(provider="slack")
def post(message: str) -> str:
    return message


def scatter() -> Flow:
    return (
        Flow("scatter")
        .node("start", same)
        .batch("double", same)
        .node("sum", sum)
        .edge("start", "double_scatter")
        .edge("double_gather", "sum")
    )


def diamond() -> Flow:
    built = Flow("diamond")
    for id in ("start", "left", "right", "join"):
        built.node(id, same)
    for edge in (("start", "left"), ("start", "right"), ("left", "join"), ("right", "join")):
        built.edge(*edge)
    return built


def routed() -> Flow:
    return (
        Flow("routed")
        .node("check", same)
        .node("ask", function)
        .node("tell", post, join="any")
        .edge("check", "ask", when='output["unsure"]')
        .edge("check", "tell", when=holds)
        .edge("ask", "tell")
    )


def nested() -> Flow:
    return (
        Flow("nested")
        .node("list", same)
        .batch("each", diamond(), concurrency=3, distributed=True)
        .node("last", same)
        .edge("list", "each")
        .edge("each", "last")
        .edge("list", "last")
    )


def apart() -> Flow:
    built = Flow("apart")
    for id in ("a", "b", "c", "d", "alone"):
        built.node(id, same, inputs="record" if id == "alone" else None)
    return built.edge("a", "c").edge("b", "c").edge("b", "d").edge("a", "d")


DRAWINGS: dict[Callable[[], Flow], str] = {
    scatter: """
        ┌── start
        ├── double ▥ x10
        └── sum
    """,
    diamond: """
        ┌─┬── start
        │ ├── left
        ├─│── right
        └─┴── join
    """,
    routed: """
        ┌─┬── check
        │ ├── ask
        │ │     when output["unsure"] (check)
        └─┴── tell (any) [slack]
                when holds (check)
    """,
    nested: """
        ┌─┬── list
        │ ├── each ▥ x3 distributed
        │ │   ╎ ┌─┬── start
        │ │   ╎ │ ├── left
        │ │   ╎ ├─│── right
        │ │   ╎ └─┴── join
        └─┴── last
    """,
    apart: """
            ┌─┬── a
        ┌─┬─│─│── b
        │ │ │ │ · alone
        │ └─│─┴── c
        └───┴──── d
    """,
    lambda: Flow("one").node("only", same): """
        · only
    """,
    lambda: function: """
        · function
    """,
}


@pytest.mark.parametrize("make", list(DRAWINGS))
def test_a_drawing_shows_nodes_lanes_conditions_and_graphs_within(make: Callable[[], Flow]) -> None:
    assert make().drawing() == dedent(DRAWINGS[make]).strip("\n")


def test_with_ascii_alone_it_is_the_same_drawing() -> None:
    assert nested().drawing(plain=True) == dedent("""
        .-.-- list
        | +-- each # x3 distributed
        | |   | .-.-- start
        | |   | | +-- left
        | |   | +-|-- right
        | |   | '-'-- join
        '-'-- last
    """).strip("\n")


def edges_of(drawing: str) -> list[tuple[str, str]]:
    """Read as the docstring says that it is to be read."""
    lanes: dict[int, str] = {}
    found: list[tuple[str, str]] = []
    for line in drawing.splitlines():
        node = re.match(r"([ │├└┌┬┴┼─]*[─·]) (node-\S+)", line)
        if node is None:
            continue
        for column, joint in enumerate(node[1]):
            if joint in "└┴├┼":
                found.append((lanes.pop(column), node[2]))
            if joint in "┌┬├┼":
                assert column not in lanes
                lanes[column] = node[2]
            assert joint != "│" or column in lanes
    assert not lanes
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_each_edge_is_drawn_once(built: Flow) -> None:
    there = sorted((it.source, it.target) for it in built.graph.edges)
    assert edges_of(built.drawing(width=1000)) == there


@settings(max_examples=60, deadline=None)
@given(graphs(largest=12))
def test_where_there_is_little_room_no_line_is_longer(built: Flow) -> None:
    for width in (100, 40, 20):
        for plain in (False, True):
            lines = built.drawing(width=width, plain=plain).splitlines()
            assert max(map(cell_len, lines)) <= width
            assert not plain or all(it.isascii() for it in lines)
    listed = [it for it in built.drawing(width=30).splitlines() if it.startswith("    → ")]
    assert len(listed) in (0, len(built.graph.edges))


def test_names_and_conditions_are_shortened() -> None:
    built = Flow("long").node("a" * 60, same).node("b", same)
    built.edge("a" * 60, "b", when='output == "漢字漢字漢字漢字漢字漢字漢字漢字\\n"')
    assert built.drawing(width=30).splitlines() == [
        f"┌── {'a' * 25}…",
        "└── b",
        '      when output == "漢字漢…',
    ]
    assert built.drawing(width=30, plain=True).splitlines()[2] == '      when output == "\\u6f2...'


MERMAID = """
    flowchart TD
        n0["check"]
        n1["ask"]
        n2["tell (any) [slack]"]
        n0 -->|"output[#34;unsure#34;]"| n1
        n0 -->|"holds"| n2
        n1 --> n2
"""


def test_mermaid_gets_names_of_its_own_and_conditions_on_edges() -> None:
    assert routed().to_mermaid() == dedent(MERMAID).strip("\n")
    assert 'n1[["double ▥ x10"]]' in scatter().to_mermaid()
    assert (
        '    subgraph n1["each ▥ x3 distributed"]\n        n1_0["start"]' in nested().to_mermaid()
    )
    assert '["end"]' in Flow("x").node("end", same).to_mermaid()


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_mermaid_has_each_edge_once_and_nothing_it_cannot_read(built: Flow) -> None:
    head, *lines = (it.strip() for it in built.to_mermaid().splitlines())
    text = r'"[^"`<>{}|;\\]*(?:#\d+;[^"`<>{}|;\\]*)*"'
    line = re.compile(
        rf"n[\d_]+ -->(\|{text}\|)? n[\d_]+|n[\d_]+\[{text}\]|n[\d_]+\[\[{text}\]\]"
        rf"|subgraph n[\d_]+\[{text}\]|end"
    )
    assert head == "flowchart TD"
    assert [it for it in lines if not line.fullmatch(it)] == []
    outer = [it for it in lines if re.match(r"n\d+ --", it)]
    assert len(outer) == len(set(outer)) == len(built.graph.edges)
