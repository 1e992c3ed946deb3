"""A graph: nodes that hand values on to each other, some of them scattered over many items.

              ┌──────────┐   items    ┌──────────┐   outputs, in the items' order
    record ──▶│  start   │──────────▶▥│  double  │▥──────────▶ total ──▶ output
              └──────────┘  scatter   └──────────┘   gather

A node runs when all its edges are decided and one at least is taken (`join="all"`), or as soon as
one is taken (`join="any"`). An edge whose condition does not hold is dead, as are the edges of a
node that does not run; a node all of whose edges are dead is left out. A node without edges into it
begins with the record. What has no edge out of it makes the output: the one, or an object of those
that ran, by their names.

These are values and their rules; `graphs.flow` builds them, `graphs.running` runs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from fanfold.domain.flow import Flow
from fanfold.errors import FlowInvalid

#: what a node may be called: a dot leads into its output, a slash into a worker's own nodes
NODE_ID = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$")
#: the key of what the graph is given
RECORD = "record"
SCATTER, GATHER = "_scatter", "_gather"
#: marks the slot of an item that failed
FAILED = "$failed"

Join = Literal["all", "any"]
OnFailure = Literal["fail", "partial"]
#: from where a node takes what it works on: one key, a list of several, or each under a name
Inputs = str | tuple[str, ...] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scatter:
    """What makes a node one that runs once for each item."""

    #: the key under which the outputs are found, in the items' order
    output_key: str
    #: items in flight at once
    concurrency: int
    #: whether its items are a batch of their own; None: if there are many
    distributed: bool | None
    #: of items that fail: whether the run fails with them, or gets the list with failed slots
    on_failure: OnFailure


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    #: what it does with its input, or with each item: described as any flow is
    work: Flow
    inputs: Inputs | None = None
    join: Join = "all"
    #: does it instead once its attempts are used up
    fallback: Flow | None = None
    scatter: Scatter | None = None

    @property
    def output_key(self) -> str:
        return self.scatter.output_key if self.scatter else self.id


@dataclass(frozen=True, slots=True)
class Edge:
    source: str
    target: str
    #: of the source's output: whether this edge is taken. Text is an expression (domain.expression)
    when: Callable[[Any], Any] | str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    name: str
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]

    def into(self, node_id: str) -> list[Edge]:
        return [edge for edge in self.edges if edge.target == node_id]

    def out_of(self, node_id: str) -> list[Edge]:
        return [edge for edge in self.edges if edge.source == node_id]

    @property
    def entries(self) -> list[Node]:
        return [node for node in self.nodes.values() if not self.into(node.id)]

    @property
    def sinks(self) -> list[Node]:
        return [node for node in self.nodes.values() if not self.out_of(node.id)]

    def keys_of(self, node: Node) -> list[str]:
        """The keys it takes its input from; those that its edges bring if it names none."""
        match node.inputs:
            case None:
                sources = [self.nodes[edge.source].output_key for edge in self.into(node.id)]
                return sources or [RECORD]
            case str(key):
                return [key]
            case tuple(keys):
                return list(keys)
            case mapping:
                return list(mapping.values())

    def producer(self, key: str) -> Node | None:
        """Whose output is found under this key, or under the beginning of this dotted one."""
        first = key.partition(".")[0]
        by_key = {node.output_key: node for node in self.nodes.values()}
        return by_key.get(first) or self.nodes.get(first)

    def in_order(self) -> list[Node]:
        """Each behind those that lead to it. Raises FlowInvalid where they go round in a circle."""
        left = {node_id: len(self.into(node_id)) for node_id in self.nodes}
        ready = [node_id for node_id, count in left.items() if not count]
        order: list[Node] = []
        for node_id in ready:
            order.append(self.nodes[node_id])
            for edge in self.out_of(node_id):
                left[edge.target] -= 1
                if not left[edge.target]:
                    ready.append(edge.target)
        if len(order) < len(self.nodes):
            circle = " → ".join(_circle(self))
            raise FlowInvalid(f"flow {self.name}: its nodes go round in a circle: {circle}")
        return order

    def before(self, node_id: str) -> set[str]:
        """Every node that leads to it."""
        found: set[str] = set()
        todo = [node_id]
        while todo:
            for edge in self.into(todo.pop()):
                if edge.source not in found:
                    found.add(edge.source)
                    todo.append(edge.source)
        return found


def is_failed(item: Any) -> bool:
    """Whether this is the slot of an item that failed, in a list of `on_failure="partial"`."""
    return isinstance(item, dict) and item.keys() == {FAILED}


def resolved(name: str, text: str, nodes: Mapping[str, Node]) -> str:
    """The node that an edge means: by its id, or a scattered one by either of its ends."""
    if text in nodes:
        return text
    for end in (SCATTER, GATHER):
        base = text.removesuffix(end)
        if base != text and base in nodes:
            if nodes[base].scatter is None:
                raise FlowInvalid(
                    f"flow {name}: {text!r} is an end of node {base!r}, which is not scattered: "
                    f"name it {base!r}, or make it with .batch(…)"
                )
            return base
    near = get_close_matches(text, nodes, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(nodes) or 'none'}."
    raise FlowInvalid(f"flow {name}: an edge names node {text!r}, and there is none.{hint}")


def check(graph: Graph) -> None:
    """Raises FlowInvalid, naming the node, for what could not run."""
    if not graph.nodes:
        raise FlowInvalid(f"flow {graph.name} has no nodes. Add one: .node('start', function)")
    graph.in_order()
    _check_keys(graph)
    for node in graph.nodes.values():
        for key in graph.keys_of(node):
            _check_key(graph, node, key)
    _check_connected(graph)


def _check_connected(graph: Graph) -> None:
    """One that nothing leads to or from was forgotten, unless it says what it takes."""
    for node in graph.nodes.values():
        alone = not graph.into(node.id) and not graph.out_of(node.id) and node.inputs is None
        if alone and len(graph.nodes) > 1:
            raise FlowInvalid(
                f"flow {graph.name}: node {node.id!r} cannot be reached: no edge leads to it, and "
                'none from it. Add one, or say that it takes the record: inputs="record"'
            )


def _check_keys(graph: Graph) -> None:
    owner: dict[str, str] = {RECORD: "the record"}
    for node in graph.nodes.values():
        for key in {node.id, node.output_key}:
            if key in owner and owner[key] != node.id:
                raise FlowInvalid(
                    f"flow {graph.name}: node {node.id!r} puts its output under {key!r}, which is "
                    f"{owner[key]!r} already. Give it another output_key"
                )
            owner[key] = node.id


def _check_key(graph: Graph, node: Node, key: str) -> None:
    if key.partition(".")[0] == RECORD:
        return
    producer = graph.producer(key)
    if producer is None:
        known = [RECORD, *(it.output_key for it in graph.nodes.values() if it is not node)]
        near = get_close_matches(key.partition(".")[0], known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
        raise FlowInvalid(
            f"flow {graph.name}: node {node.id!r} takes {key!r}, which nothing puts there. {hint}"
        )
    if producer.id not in graph.before(node.id):
        raise FlowInvalid(
            f"flow {graph.name}: node {node.id!r} takes {key!r} of node {producer.id!r}, which no "
            f"edge brings before it. Add one: .edge({producer.id!r}, {node.id!r})"
        )


def _circle(graph: Graph) -> Iterator[str]:
    """The nodes of one circle, the first once more at its end."""
    seen: list[str] = []
    left = {node_id: len(graph.into(node_id)) for node_id in graph.nodes}
    todo = [node_id for node_id, count in left.items() if not count]
    while todo:
        for edge in graph.out_of(todo.pop()):
            left[edge.target] -= 1
            if not left[edge.target]:
                todo.append(edge.target)
    inside = {node_id for node_id, count in left.items() if count}
    at = next(node_id for node_id in graph.nodes if node_id in inside)
    while at not in seen:  # backwards: each of these has one of them before it
        seen.append(at)
        at = next(edge.source for edge in graph.into(at) if edge.source in inside)
    yield from [at, *reversed(seen[seen.index(at) :])]
