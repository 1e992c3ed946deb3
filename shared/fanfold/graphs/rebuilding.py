"""A flow, of its blueprint.

`rebuilt` imports whatever the blueprint names, and so may run anybody's code: for blueprints of
those whose code one would run. What comes over the network is built by `graphs.made`, which looks
names up among what is registered, and imports nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fanfold.domain.flow import described
from fanfold.domain.people import Access
from fanfold.errors import FlowInvalid, UsageError
from fanfold.graphs.blueprint import Blueprint, Called, NodeBlueprint, Unplaced, parsed
from fanfold.graphs.flow import Flow
from fanfold.graphs.function import Function
from fanfold.graphs.places import called_at

_OPTIONS = frozenset(
    {
        *("title", "description", "version", "concurrency", "retries", "backoff", "backoff_cap"),
        *("timeout", "exclusive", "isolation", "memory"),
    }
)


def rebuilt(blueprint: Any, functions: Mapping[str, Callable[..., Any]] | None = None) -> Flow:
    """`functions`: instead of what the blueprint names, or what it has no name for. By the node's
    id; `node.fallback`, `source -> target` for a condition, `.source`, `.fold`; all of these
    behind `node/` for what is within a node that is a flow itself."""
    return built(parsed(blueprint), functions or {})


def built(
    blueprint: Blueprint,
    functions: Mapping[str, Callable[..., Any]],
    at: Callable[[str], Callable[..., Any]] | None = None,
) -> Flow:
    """`at`: what finds a function by its place, instead of importing it."""
    supply = _Supply(functions, at)
    flow = _flow(blueprint, supply, "")
    supply.check_all_used(flow.name)
    return flow


class _Supply:
    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]],
        at: Callable[[str], Callable[..., Any]] | None,
    ) -> None:
        self._functions = dict(functions)
        self._at = at
        self._asked: set[str] = set()

    def at(self, place: str, key: str) -> Callable[..., Any]:
        """Raises UsageError."""
        if self._at is not None:
            return self._at(place)
        try:
            return called_at(place)
        except UsageError as error:
            raise FlowInvalid(f"{error} {_remedy(key)}") from None

    def given(self, key: str) -> Callable[..., Any] | None:
        self._asked.add(key)
        return self._functions.get(key)

    def check_all_used(self, name: str) -> None:
        for key in self._functions.keys() - self._asked:
            known = ", ".join(sorted(self._asked))
            raise FlowInvalid(f"flow {name}: it has no function {key!r} to supply. It has: {known}")


def _flow(blueprint: Blueprint, supply: _Supply, prefix: str) -> Flow:
    name = blueprint.name
    options = {it: getattr(blueprint, it) for it in _OPTIONS & blueprint.model_fields_set}
    for it in ("source", "fold"):
        code = getattr(blueprint, it)
        if code is not None:
            options[it] = _function(code, supply, f"{prefix}.{it}", f"flow {name}: its {it}")
    who = blueprint.access
    options["access"] = Access(
        owner=who.owner,
        viewers=tuple(who.viewers),
        starters=tuple(who.starters),
        monitors=tuple(who.monitors),
        managers=tuple(who.managers),
    )
    if blueprint.kind == "function":
        return _of_function(blueprint, supply, prefix, options)
    options["description"] = options.get("description") or ""
    flow = Flow(name, **options)
    for node in blueprint.nodes:
        _add(flow, node, supply, prefix)
    for edge in blueprint.edges:
        when: Any = edge.when
        if isinstance(edge.when, Called):
            ends = f"{edge.source} -> {edge.target}"
            who_asks = f"flow {name}: the condition of {ends}"
            when = _function(edge.when.function, supply, f"{prefix}{ends}", who_asks)
        flow.edge(edge.source, edge.target, when=when)
    return flow.check()


def _of_function(
    blueprint: Blueprint, supply: _Supply, prefix: str, options: dict[str, Any]
) -> Flow:
    name = blueprint.name
    if len(blueprint.nodes) != 1 or blueprint.edges or "concurrency" in options:
        raise FlowInvalid(f"flow {name}: a function is one node, without edges and concurrency")
    (node,) = blueprint.nodes
    if more := node.model_fields_set - {"id", "function"}:
        raise FlowInvalid(f"flow {name}: {min(more)} is the function's own: say it beside its name")
    return described(_called(node, supply, prefix, name), Function, id=name, **options)


def _add(flow: Flow, node: NodeBlueprint, supply: _Supply, prefix: str) -> None:
    name = flow.name
    options: dict[str, Any] = {
        it: getattr(node, it)
        for it in ("join", "retries", "backoff", "timeout")
        if it in node.model_fields_set
    }
    own = options.keys() - {"join"}
    if isinstance(node.function, Blueprint) and own:
        raise FlowInvalid(f"flow {name}: node {node.id!r}: its {min(own)} is that of its blueprint")
    if node.fallback is not None:
        key, who = f"{node.id}.fallback", f"flow {name}: node {node.id!r}: its fallback"
        options["fallback"] = _function(node.fallback, supply, f"{prefix}{key}", who)
    called = _called(node, supply, prefix, name)
    if node.scatter is None:
        flow.node(node.id, called, inputs=node.inputs, **options)
    elif node.inputs is not None:
        raise FlowInvalid(f"flow {name}: node {node.id!r}: a scattered node has an input_key")
    else:
        flow.batch(node.id, called, **node.scatter.model_dump(), **options)


def _called(node: NodeBlueprint, supply: _Supply, prefix: str, name: str) -> Callable[..., Any]:
    who = f"flow {name}: node {node.id!r}: its function"
    return _function(node.function, supply, f"{prefix}{node.id}", who)


def _function(
    code: str | Unplaced | Blueprint, supply: _Supply, key: str, who: str
) -> Callable[..., Any]:
    given = supply.given(key)
    if given is not None:
        return given
    match code:
        case Blueprint():
            return _flow(code, supply, f"{key}/")
        case Unplaced():
            raise FlowInvalid(f"{who} has no place ({code.unplaced}). {_remedy(key)}")
        case place:
            try:
                return supply.at(place, key)
            except UsageError as error:
                raise FlowInvalid(f"{who} is not found: {error}") from None


def _remedy(key: str) -> str:
    return f"Supply it: from_blueprint(…, functions={{{key!r}: …}})"
