"""Do the annotations of nodes fit each other? Only what surely does not is refused.

    .node("load", load)        def load(record) -> str: ...
    .node("add", add)          def add(a: int) -> int: ...
    .edge("load", "add")       FlowInvalid: node 'add' takes int, and 'load' gives str

What says nothing (no annotation, Any, a type of the user's that pydantic makes of an object) fits
everything.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from types import GenericAlias
from typing import Any, get_args, get_origin

import typing_extensions

from fanfold.domain.flow import Flow
from fanfold.errors import FlowInvalid
from fanfold.execution import hints
from fanfold.graphs.function import is_graph
from fanfold.graphs.graph import RECORD, Graph, Node

_UNIONS = (typing.Union, types.UnionType)
_LISTS = (list, tuple, set, frozenset)
_NUMBERS: dict[type, tuple[type, ...]] = {
    bool: (bool, int, float, complex),
    int: (int, float, complex),
    float: (float, complex),
}
_SCALARS = (bool, int, float, str, bytes, type(None))


def check_types(graph: Graph) -> None:
    """Raises FlowInvalid, naming the nodes, for what surely does not fit."""
    for node in graph.nodes.values():
        match node.inputs:
            case None:
                edges = graph.into(node.id)
                if len(edges) == 1:
                    _check(graph, node, graph.nodes[edges[0].source].output_key, _wanted(node))
                elif node.join == "any":
                    for edge in edges:
                        _check(graph, node, graph.nodes[edge.source].output_key, _wanted(node))
            case str(key):
                _check(graph, node, key, _wanted(node))
            case Mapping():
                _check_fields(graph, node, node.inputs)
            case _:
                pass


def record_hint(graph: Graph) -> Any:
    """What the graph takes: what the one node that begins with the record does."""
    takers = [node for node in graph.nodes.values() if graph.keys_of(node) == [RECORD]]
    if len(takers) != 1 or takers[0].inputs not in (None, RECORD):
        return Any
    return _wanted(takers[0])


def result_hint(graph: Graph) -> Any:
    """What it gives: checked where it is made, by its node."""
    return Any if len(graph.sinks) != 1 else _given(graph.sinks[0])


def _check(graph: Graph, node: Node, key: str, wanted: Any) -> None:
    producer = graph.producer(key)
    if producer is None or "." in key:
        return
    given = _given(producer)
    if not fits(given, wanted):
        raise FlowInvalid(
            f"flow {graph.name}: node {node.id!r} takes {_name(wanted)}, and {key!r} of node "
            f"{producer.id!r} is {_name(given)}"
        )


def _check_fields(graph: Graph, node: Node, inputs: Mapping[str, str]) -> None:
    taken = hints.of_record(node.work)
    if not typing_extensions.is_typeddict(taken):
        return
    fields = typing_extensions.get_type_hints(taken)
    for name, key in inputs.items():
        if name in fields:
            _check(graph, node, key, fields[name])


def _given(node: Node) -> Any:
    result = _result_of(node.work)
    return result if node.scatter is None else GenericAlias(list, (result,))


def _wanted(node: Node) -> Any:
    taken = _record_of(node.work)
    return taken if node.scatter is None else GenericAlias(list, (taken,))


def _result_of(work: Flow) -> Any:
    if is_graph(work):
        return result_hint(work.graph)
    return hints.of_result(work)


def _record_of(work: Flow) -> Any:
    if is_graph(work):
        return record_hint(work.graph)
    return hints.of_record(work)


def fits(given: Any, wanted: Any) -> bool:
    """Whether a value of the one may be one of the other."""
    given, wanted = _bare(given), _bare(wanted)
    if _says_nothing(given) or _says_nothing(wanted):
        return True
    if get_origin(given) in _UNIONS:
        return any(fits(it, wanted) for it in get_args(given))
    if get_origin(wanted) in _UNIONS:
        return any(fits(given, it) for it in get_args(wanted))
    if typing.Literal in (get_origin(given), get_origin(wanted)):
        return _literals_fit(given, wanted)
    if _kind(given) != _kind(wanted):
        return False
    return _fits_inside(given, wanted)


def _bare(hint: Any) -> Any:
    if hint is None:
        return type(None)
    return get_args(hint)[0] if get_origin(hint) is typing.Annotated else hint


def _fits_inside(given: Any, wanted: Any) -> bool:
    if _kind(given) == "scalar":
        return wanted in _NUMBERS.get(given, (given,)) or issubclass(given, wanted)
    ours, theirs = get_args(given), get_args(wanted)
    if _kind(given) == "list" and len(ours) == len(theirs) == 1:
        return fits(ours[0], theirs[0])
    if get_origin(given) is get_origin(wanted) is dict and len(ours) == len(theirs) == 2:
        return fits(ours[1], theirs[1])
    return True


def _literals_fit(given: Any, wanted: Any) -> bool:
    values = get_args(given) if get_origin(given) is typing.Literal else None
    wanted_values = get_args(wanted) if get_origin(wanted) is typing.Literal else None
    if values is not None and wanted_values is not None:
        return any(it in wanted_values for it in values)
    if values is not None:
        return any(fits(type(it), wanted) for it in values)
    return any(fits(given, type(it)) for it in wanted_values or ())


def _kind(hint: Any) -> str:
    """What it is as JSON: that decides whether pydantic could make the one of the other."""
    origin = get_origin(hint) or hint
    if isinstance(origin, type):
        if issubclass(origin, _SCALARS):
            return "scalar"
        if issubclass(origin, _LISTS):
            return "list"
    return "object"


def _says_nothing(hint: Any) -> bool:
    """Of a class of the user's own nothing is known: an enum is made of a text, a date too."""
    if hint is Any or hint is object or isinstance(hint, typing.TypeVar):
        return True
    origin = get_origin(hint) or hint
    if origin in (*_UNIONS, typing.Literal) or typing_extensions.is_typeddict(hint):
        return False
    if not isinstance(origin, type):
        return True
    return origin not in _SCALARS and origin not in _LISTS and origin is not dict


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)
