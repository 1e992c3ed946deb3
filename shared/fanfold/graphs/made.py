"""A flow that is data (domain.registered): a blueprint whose functions are actions, by their ids.

    {"blueprint": 1, "name": "report",
     "nodes": [{"id": "fetch", "function": "action:fetch"},
               {"id": "post", "function": "action:post", "scatter": {"concurrency": 10}}],
     "edges": [{"source": "fetch", "target": "post"}]}

It may come from anybody who may register flows, so it names what was registered as an action
(`@action`) by whoever deployed the code, and nothing else: nothing is imported for it. A condition
is an expression, which can do nothing but compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from fanfold.domain.registered import Made
from fanfold.errors import FlowInvalid, FlowNotFound
from fanfold.graphs.blueprint import Blueprint, NodeBlueprint, Unplaced, parsed
from fanfold.graphs.flow import Flow
from fanfold.graphs.rebuilding import built

ACTION = "action:"
#: hands on what it is given
HAND_ON = "fanfold:pass"

Actions = Mapping[str, Callable[..., Any]]


def made(of: Made, actions: Actions) -> Flow:
    """`actions`: by their ids. Raises FlowInvalid, naming the node."""
    blueprint = parsed(of.blueprint)
    _check(blueprint, blueprint.name)

    def at(place: str) -> Callable[..., Any]:
        if place == HAND_ON:
            return handed_on
        if not place.startswith(ACTION):
            raise FlowNotFound(f'a registered flow calls actions, as in "{ACTION}NAME".')
        name = place.removeprefix(ACTION)
        if name not in actions:
            near = get_close_matches(name, actions, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise FlowNotFound(f"there is no action {name!r} here.{hint}")
        return actions[name]

    flow = built(blueprint, {}, at)
    flow.schema = dict(of.input_schema) or None
    return flow


def handed_on(value: Any) -> Any:
    return value


def _check(blueprint: Blueprint, name: str) -> None:
    """Refuse what is code, or is said elsewhere."""
    for it in ("source", "fold"):
        if getattr(blueprint, it) is not None:
            raise FlowInvalid(f"flow {name}: a registered flow has no {it}: that would be code")
    if "access" in blueprint.model_fields_set:
        raise FlowInvalid(
            f"flow {name}: who may see or start it is said beside its definition, not in it"
        )
    for node in blueprint.nodes:
        _check_node(node, name)


def _check_node(node: NodeBlueprint, name: str) -> None:
    for code in (node.function, node.fallback):
        if isinstance(code, Blueprint):
            _check(code, f"{name}: node {node.id!r}")
        elif isinstance(code, Unplaced):
            raise FlowInvalid(
                f"flow {name}: node {node.id!r}: {code.unplaced} is no action. A registered flow "
                f'calls actions, as in "{ACTION}NAME"'
            )
