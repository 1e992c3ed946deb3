"""A graph as states, the way Globus Flows writes one down, and back.

    {"StartAt": "fetch",
     "States": {"fetch": {"Type": "Action", "ActionUrl": "action:fetch", "Next": "post"},
                "post": {"Type": "Action", "ActionUrl": "action:post", "End": true}}}

Any flow can be shown so: a node with several edges, or with conditions, lists them as `Edges`, a
scattered one says so as `ForEach`. A flow can be registered so as far as it is a chain of actions
and passes; whatever else a graph can do, a blueprint says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fanfold.domain import flow as domain
from fanfold.domain.registered import Made
from fanfold.errors import FlowInvalid
from fanfold.graphs.actions import action_of_node
from fanfold.graphs.drawing import condition_of, inner_of
from fanfold.graphs.flow import Flow
from fanfold.graphs.graph import Graph, Node
from fanfold.graphs.made import ACTION, HAND_ON, handed_on
from fanfold.graphs.original import original

#: of a node that is no action: where its code lies is nobody's business
_FUNCTION = "fanfold:function"
_KNOWN = frozenset({"Type", "ActionUrl", "Next", "End", "Comment"})


class DefinitionInvalid(FlowInvalid):
    """What was given to be registered cannot be a flow here."""

    def __init__(self, message: str, *place: str) -> None:
        super().__init__(message)
        #: in what was given: keys from the outside in
        self.place = place


def definition_of(flow: domain.Flow, of: Made | None) -> dict[str, Any]:
    """Of a flow that is well formed. What was registered as states is shown as it was said; what
    was registered as a blueprint has that beside its states, and may be sent back with it."""
    if of is not None and of.definition is not None:
        return dict(of.definition)
    shown = states_of(flow.graph) if isinstance(flow, Flow) else _of_function(flow)
    return shown if of is None else {**shown, "blueprint": dict(of.blueprint)}


def states_of(graph: Graph) -> dict[str, Any]:
    return {
        "StartAt": graph.entries[0].id,
        **({"Comment": f"begins with {_listed(graph)}"} if len(graph.entries) > 1 else {}),
        "States": {node.id: _state(graph, node) for node in graph.nodes.values()},
    }


def _listed(graph: Graph) -> str:
    return ", ".join(node.id for node in graph.entries)


def _state(graph: Graph, node: Node) -> dict[str, Any]:
    work = original(node.work)
    state: dict[str, Any] = {"Type": "Pass" if work is handed_on else "Action"}
    inner, action, scatter = inner_of(node), action_of_node(node), node.scatter
    if inner is not None:
        state |= {"ActionUrl": _FUNCTION, **states_of(inner)}
    elif work is not handed_on:
        state["ActionUrl"] = _FUNCTION if action is None else f"{ACTION}{action.id}"
    if scatter is not None:
        state["ForEach"] = {"concurrency": scatter.concurrency, "distributed": scatter.distributed}
    edges = graph.out_of(node.id)
    if not edges:
        return {**state, "End": True}
    if len(edges) == 1 and edges[0].when is None:
        return {**state, "Next": edges[0].target}
    listed = [{"Next": edge.target, "When": condition_of(edge) or None} for edge in edges]
    return {**state, "Edges": listed}


def _of_function(flow: domain.Flow) -> dict[str, Any]:
    state = {"Type": "Action", "ActionUrl": _FUNCTION, "End": True}
    return {"StartAt": flow.name, "States": {flow.name: state}}


def blueprint_of(definition: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Raises DefinitionInvalid."""
    states = definition.get("States")
    if not isinstance(states, Mapping) or not states:
        raise DefinitionInvalid(
            "a definition is a blueprint, or it has States, an object with one at least",
            *("definition", "States"),
        )
    start = definition.get("StartAt")
    if not isinstance(start, str) or start not in states:
        raise DefinitionInvalid(f"StartAt: one of {', '.join(states)}", "definition", "StartAt")
    nodes, edges = [], []
    for state_id, state in states.items():
        node, follower = _node(state_id, state, states)
        nodes.append(node)
        if follower is not None:
            edges.append({"source": state_id, "target": follower})
    begins = states.keys() - {edge["target"] for edge in edges}
    if lost := sorted(begins - {start}):
        raise DefinitionInvalid(f"no state leads to {lost[0]!r}", "definition", "States", lost[0])
    comment = definition.get("Comment")
    about = {} if not isinstance(comment, str) else {"description": comment}
    return {"blueprint": 1, "name": name, **about, "nodes": nodes, "edges": edges}


def _node(
    state_id: str, state: Any, states: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """And which follows it."""
    place = ("definition", "States", state_id)
    if not isinstance(state, Mapping):
        raise DefinitionInvalid(f"state {state_id!r} is an object", *place)
    if more := sorted(state.keys() - _KNOWN):
        raise DefinitionInvalid(
            f"state {state_id!r}: {more[0]} is not known here. Register a blueprint for more than "
            "actions one after the other",
            *place,
            more[0],
        )
    function = _function(state_id, state, place)
    follower, is_end = state.get("Next"), state.get("End", False)
    if (follower is None) == (is_end is not True):
        raise DefinitionInvalid(
            f'state {state_id!r} is the last ("End": true) or has one behind it ("Next": STATE)',
            *place,
        )
    if follower is not None and follower not in states:
        raise DefinitionInvalid(f"state {state_id!r}: there is no {follower!r}", *place, "Next")
    return {"id": state_id, "function": function}, follower


def _function(state_id: str, state: Mapping[str, Any], place: tuple[str, ...]) -> str:
    match state.get("Type"), state.get("ActionUrl"):
        case "Pass", None:
            return HAND_ON
        case "Action", str(url) if url.startswith(ACTION):
            return url
        case "Action", _:
            raise DefinitionInvalid(
                f'state {state_id!r}: its ActionUrl names a registered action: "{ACTION}NAME"',
                *(*place, "ActionUrl"),
            )
        case kind, _:
            raise DefinitionInvalid(
                f"state {state_id!r}: its Type is Action or Pass, not {kind!r}; register a "
                "blueprint for conditions, joins and lists",
                *(*place, "Type"),
            )
