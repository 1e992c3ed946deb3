"""Building a graph: what could not run is refused, and the line names the node."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import pytest
from pydantic import BaseModel

from fanfold import Flow, flow
from fanfold.errors import FlowInvalid
from fanfold.graphs.types import fits


def one(value: Any) -> Any:
    return value


def text(value: Any) -> str:
    return str(value)


def number(value: int) -> int:
    return value


def numbers(_record: Any) -> list[int]:
    return [1, 2, 3]


def refused(built: Flow) -> str:
    with pytest.raises(FlowInvalid) as told:
        built.check()
    return str(told.value)


def test_a_graph_without_nodes_is_refused() -> None:
    assert "has no nodes" in refused(Flow("empty"))


def test_a_circle_is_told_with_its_nodes() -> None:
    circle = Flow("f").node("a", one).node("b", one).node("c", one).node("d", one)
    circle.edge("a", "b").edge("b", "c").edge("c", "d").edge("d", "b")
    assert refused(circle) == "flow f: its nodes go round in a circle: b → c → d → b"


def test_a_node_that_nothing_leads_to_or_from_is_refused_unless_it_says_what_it_takes() -> None:
    it = Flow("f").node("a", one).node("b", one).edge("a", "b")
    assert "node 'c' cannot be reached" in refused(it.node("c", one))
    other = Flow("f").node("a", one).node("b", one).edge("a", "b")
    other.node("c", one, inputs="record").check()


def test_a_node_may_not_lead_to_itself() -> None:
    assert "a → a" in refused(Flow("f").node("a", one).edge("a", "a"))


def test_an_edge_to_no_node_names_what_is_meant() -> None:
    it = Flow("f").node("start", one).node("sum", one).edge("strat", "sum")
    assert "names node 'strat', and there is none. Did you mean 'start'?" in refused(it)


def test_the_ends_of_a_scattered_node_are_the_node() -> None:
    it = Flow("f").node("a", numbers).batch("b", number).node("c", sum)
    it.edge("a", "b_scatter").edge("b_gather", "c")
    assert [(edge.source, edge.target) for edge in it.graph.edges] == [("a", "b"), ("b", "c")]


def test_an_end_of_a_node_that_is_not_scattered_is_refused() -> None:
    it = Flow("f").node("a", one).node("b", one).edge("a", "b_scatter")
    assert "node 'b', which is not scattered" in refused(it)


def test_an_input_that_nothing_gives_is_refused() -> None:
    it = Flow("f").node("total", one).node("b", one, inputs="totl").edge("total", "b")
    assert "node 'b' takes 'totl', which nothing puts there. Did you mean 'total'?" in refused(it)


def test_an_input_that_no_edge_brings_before_is_refused() -> None:
    it = Flow("f").node("a", one).node("b", one, inputs="a")
    assert "Add one: .edge('a', 'b')" in refused(it)


def test_a_key_that_two_nodes_give_is_refused() -> None:
    it = Flow("f").node("a", numbers).batch("b", number, output_key="a").edge("a", "b")
    assert "node 'b' puts its output under 'a'" in refused(it)


@pytest.mark.parametrize("name", ["", "1st", "a.b", "a/b", "a[0]", "a b", "x" * 101, None])
def test_an_id_that_could_not_be_a_place_is_refused(name: Any) -> None:
    with pytest.raises(FlowInvalid, match="its id must be"):
        Flow("f").node(name, one)


def test_an_id_is_given_once() -> None:
    with pytest.raises(FlowInvalid, match="node 'a': there is one of this id already"):
        Flow("f").node("a", one).node("a", one)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("join", "some", "join is"),
        ("retries", -1, "retries must be"),
        ("timeout", 0, "timeout must be"),
        ("backoff", -1, "backoff must be"),
    ],
)
def test_a_wrong_option_of_a_node_names_the_node(option: str, value: Any, told: str) -> None:
    with pytest.raises(FlowInvalid, match=f"flow f: node 'a': {told}"):
        Flow("f").node("a", one, **{option: value})


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("concurrency", 0, "concurrency must be 1 or more"),
        ("concurrency", True, "concurrency must be 1 or more"),
        ("distributed", "yes", "distributed is True, False or None"),
        ("on_failure", "ignore", "on_failure is"),
        ("output_key", "a.b", "cannot be a key"),
    ],
)
def test_a_wrong_option_of_a_scattered_node_is_refused(option: str, value: Any, told: str) -> None:
    with pytest.raises(FlowInvalid, match=told):
        Flow("f").batch("a", one, **{option: value})


@pytest.mark.parametrize("wrong", [None, 7, "name"])
def test_a_node_needs_something_to_call(wrong: Any) -> None:
    with pytest.raises(FlowInvalid, match="node 'a': it needs a function to call"):
        Flow("f").node("a", wrong)


def test_a_function_of_nothing_is_refused_with_its_node() -> None:
    with pytest.raises(FlowInvalid, match="node 'a': a flow takes one record"):
        Flow("f").node("a", lambda: 1)


def test_a_condition_that_cannot_be_read_is_refused_with_its_edge() -> None:
    it = Flow("f").node("a", one).node("b", one).edge("a", "b", when="__import__('os')")
    assert "edge 'a' → 'b'" in refused(it)


def test_two_edges_between_two_nodes_are_refused() -> None:
    it = Flow("f").node("a", one).node("b", one).edge("a", "b").edge("a", "b")
    assert "two edges to 'b'" in refused(it)


def test_what_surely_does_not_fit_is_refused_with_both_nodes() -> None:
    it = Flow("f").node("a", text).node("b", number).edge("a", "b")
    assert refused(it) == "flow f: node 'b' takes int, and 'a' of node 'a' is str"


def test_a_scattered_node_takes_a_list() -> None:
    it = Flow("f").node("a", text).batch("b", number).edge("a", "b")
    assert "node 'b' takes list[int], and 'a' of node 'a' is str" in refused(it)


def test_what_a_scattered_node_gives_is_a_list() -> None:
    it = Flow("f").node("a", numbers).batch("b", text).node("c", number)
    it.edge("a", "b").edge("b", "c")
    assert "node 'c' takes int, and 'b' of node 'b' is list[str]" in refused(it)


def test_arguments_are_compared_by_their_names() -> None:
    def price(amount: int, currency: str) -> str:
        return f"{amount} {currency}"

    it = Flow("f").node("a", number).node("b", text).edge("a", "b")
    it.node("c", price, inputs={"amount": "b", "currency": "b"}).edge("b", "c")
    assert "node 'c' takes int, and 'b' of node 'b' is str" in refused(it)


class Typed(TypedDict):
    a: int


class Model(BaseModel):
    a: int


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, float), (bool, int), (int, int | str), (int | str, str), (list[int], list[float]),
        (dict[str, Any], Model), (Model, dict), (Typed, dict[str, int]),
        (tuple[int, ...], list[int]),
        (Any, int), (str, Any), (str, Literal["a"]), (Literal["a"], str), (str, Model | str),
        (list, list[int]), (dict[str, int], dict[str, float]), (None, int | None),
    ],
)  # fmt: skip
def test_what_may_fit_fits(given: Any, wanted: Any) -> None:
    assert fits(given, wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (str, int), (int, str), (float, int), (list[int], int), (int, list[int]), (str, dict),
        (list[str], list[int]), (dict[str, str], dict[str, int]), (None, int),
        (Literal["a"], Literal["b"]), (Literal[1], str), (int | str, list), (int, str | None),
    ],
)  # fmt: skip
def test_what_surely_does_not_fit_does_not(given: Any, wanted: Any) -> None:
    assert not fits(given, wanted)


def test_a_function_is_a_graph_of_one_node() -> None:
    @flow
    def shout(record: str) -> str:
        return record.upper()

    assert isinstance(shout, Flow)
    assert list(shout.graph.nodes) == ["shout"]
    assert shout("a") == "A"
    assert shout.run("a") == "A"
    with pytest.raises(FlowInvalid, match="flow shout is a function"):
        shout.node("more", one)


def test_the_version_changes_with_the_nodes_code_and_with_the_shape() -> None:
    def built(fn: Any, *, join: Literal["all", "any"] = "all") -> str:
        return Flow("f").node("a", fn, join=join).check().version

    assert built(one) == built(one)
    assert built(one) != built(text)
    assert built(one) != built(one, join="any")
    assert Flow("f", version="7").node("a", one).check().version == "7"


def test_a_node_may_be_added_after_a_check() -> None:
    it = Flow("f").node("a", one).check()
    it.node("b", text).edge("a", "b")
    assert it.run(7) == "7"
