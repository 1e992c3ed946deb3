"""Graphs as states, and chains of states as graphs."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold import Flow, action, flow
from fanfold.domain.registered import Made
from fanfold.graphs.made import made
from fanfold.graphs.states import DefinitionInvalid, blueprint_of, definition_of, states_of

CHAIN: dict[str, Any] = {
    "Comment": "says it loud",
    "StartAt": "first",
    "States": {
        "last": {"Type": "Pass", "Comment": "nothing", "End": True},
        "first": {"Type": "Action", "ActionUrl": "action:upper", "Next": "last"},
    },
}


@action(provider="words")
def upper(text: str) -> str:
    return text.upper()


def test_a_chain_of_states_is_a_flow() -> None:
    built = made(Made(blueprint_of(CHAIN, "loud"), {}), {"upper": upper})
    assert built.run("a") == "A"
    assert built.description == "says it loud"


def test_a_chain_that_is_shown_again_is_the_same_chain() -> None:
    built = made(Made(blueprint_of(CHAIN, "loud"), {}), {"upper": upper})
    shown = states_of(built.graph)
    again = made(Made(blueprint_of(shown, "loud"), {}), {"upper": upper})
    assert states_of(again.graph) == shown


def test_any_graph_can_be_shown() -> None:
    inner = Flow("inner").node("a", upper)
    graph = (
        Flow("shown")
        .node("start", lambda record: record)
        .batch("each", upper, concurrency=3)
        .node("inner", inner)
        .node("end", lambda it: it, join="any")
        .edge("start", "each", when="len(output) > 1")
        .edge("start", "inner")
        .edge("each", "end")
        .edge("inner", "end")
    )
    shown = definition_of(graph, None)
    assert shown["StartAt"] == "start"
    states = shown["States"]
    assert states["start"]["Edges"] == [
        {"Next": "each", "When": "len(output) > 1"},
        {"Next": "inner", "When": None},
    ]
    assert states["each"]["ForEach"] == {"concurrency": 3, "distributed": None}
    assert (states["each"]["ActionUrl"], states["each"]["Next"]) == ("action:upper", "end")
    assert states["inner"]["States"] == {
        "a": {"Type": "Action", "ActionUrl": "action:upper", "End": True}
    }
    assert states["end"] == {"Type": "Action", "ActionUrl": "fanfold:function", "End": True}


def test_several_entries_are_told() -> None:
    two = Flow("two").node("a", upper, inputs="record").node("b", upper, inputs="record")
    shown = states_of(two.graph)
    assert (shown["StartAt"], shown["Comment"]) == ("a", "begins with a, b")


def test_where_the_code_of_a_function_lies_is_not_told() -> None:
    @flow
    def plain(record: Any) -> Any:
        return record

    assert "test_states" not in str(definition_of(plain, None))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"States": {}}, ("States",)),
        ({"States": []}, ("States",)),
        ({"StartAt": "nowhere"}, ("StartAt",)),
        ({"StartAt": "last"}, ("States", "first")),
        ({"States": {"first": "x"}}, ("States", "first")),
        ({"States": {"first": {"Type": "Wait", "End": True}}}, ("States", "first", "Type")),
        ({"States": {"first": {"Type": "Pass"}}}, ("States", "first")),
        (
            {"States": {"first": {"Type": "Pass", "End": True, "Next": "first"}}},
            ("States", "first"),
        ),
        ({"States": {"first": {"Type": "Pass", "Next": "gone"}}}, ("States", "first", "Next")),
        (
            {"States": {"first": {"Type": "Action", "ActionUrl": "https://x", "End": True}}},
            ("States", "first", "ActionUrl"),
        ),
        ({"States": {"first": {"Type": "Action", "End": True}}}, ("States", "first", "ActionUrl")),
        (
            {"States": {"first": {"Type": "Pass", "Parameters": {}, "End": True}}},
            ("States", "first", "Parameters"),
        ),
    ],
)
def test_what_cannot_be_a_flow_says_where(change: Any, place: tuple[str, ...]) -> None:
    with pytest.raises(DefinitionInvalid) as refused:
        blueprint_of({**CHAIN, **change}, "f")
    assert refused.value.place == ("definition", *place)
