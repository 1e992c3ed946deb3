"""A flow's blueprint, of the flow. It succeeds for every flow that can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from fanfold.domain import flow as domain
from fanfold.graphs.flow import Flow
from fanfold.graphs.function import Function
from fanfold.graphs.graph import Edge, Node
from fanfold.graphs.original import original
from fanfold.graphs.places import place_of, words_for

#: of the grammar (graphs.blueprint), which is loaded by whoever reads one
_VERSION = 1


def written_down(flow: Flow) -> dict[str, Any]:
    """Raises FlowInvalid for what could not run."""
    about = {
        "name": flow.name,
        "title": flow.title,
        "description": flow.description,
        "version": _own_version(flow),
        "retries": flow.retry.retries,
        "backoff": flow.retry.base,
        "backoff_cap": flow.retry.cap,
        "timeout": flow.timeout,
        "exclusive": flow.exclusive,
        "isolation": flow.isolation,
        "memory": flow.memory,
        "source": _code_or_none(flow.source),
        "fold": _code_or_none(flow.fold),
        "access": {
            name: list(it) if isinstance(it, tuple) else it
            for name, it in asdict(flow.access).items()
        },
    }
    if isinstance(flow, Function):
        nodes: list[dict[str, Any]] = [{"id": flow.name, "function": _code(original(flow))}]
        return {"blueprint": _VERSION, "kind": "function", **about, "nodes": nodes, "edges": []}
    graph = flow.graph
    return {
        "blueprint": _VERSION,
        "kind": "graph",
        **about,
        "concurrency": flow.concurrency,
        "nodes": [_node(node) for node in graph.nodes.values()],
        "edges": [_edge(edge) for edge in graph.edges],
    }


def _own_version(flow: Flow) -> str | None:
    """As its author has set it; None where it is made of the code."""
    if isinstance(flow, Function):
        return None if flow.version == domain.version_of(flow.fn) else flow.version
    return flow._version


def _node(node: Node) -> dict[str, Any]:
    work, scatter = node.work, node.scatter
    written: dict[str, Any] = {"id": node.id, "function": _work(work), "join": node.join}
    if not isinstance(work, Flow):
        written |= {
            "retries": work.retry.retries,
            "backoff": work.retry.base,
            "timeout": work.timeout,
        }
    written["fallback"] = None if node.fallback is None else _work(node.fallback)
    if scatter is None:
        return written | {"inputs": _inputs(node)}
    return written | {
        "scatter": {
            "input_key": node.inputs,
            "output_key": scatter.output_key,
            "concurrency": scatter.concurrency,
            "distributed": scatter.distributed,
            "on_failure": scatter.on_failure,
        }
    }


def _inputs(node: Node) -> Any:
    match node.inputs:
        case None | str():
            return node.inputs
        case Mapping():
            return dict(node.inputs)
        case keys:
            return list(keys)


def _edge(edge: Edge) -> dict[str, Any]:
    when = {"function": _code(edge.when)} if callable(edge.when) else edge.when
    return {"source": edge.source, "target": edge.target, "when": when}


def _work(work: domain.Flow) -> Any:
    return written_down(work) if isinstance(work, Flow) else _code(original(work))


def _code_or_none(fn: Callable[..., Any] | None) -> Any:
    return None if fn is None else _code(fn)


def _code(fn: Callable[..., Any]) -> Any:
    return place_of(fn) or {"unplaced": words_for(fn)}
