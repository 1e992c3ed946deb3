"""A flow as data: what is written down is built again, exactly."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from fanfold import Access, Flow, flow
from fanfold.errors import FlowInvalid, Permanent
from fanfold.execution.library import Library
from fanfold.graphs.blueprint import Blueprint, NodeBlueprint, Scattered
from tests.unit.graphs.some import function, graphs, holds, inner, listed, paired, same

DOCS = Path(__file__).parents[3] / "docs"
HERE = "tests.unit.graphs.some"


def output_of(built: Flow) -> Any:
    """What it gives, or how it fails: a condition that raises does so in both."""
    try:
        return built.run({"a": 1})
    except Permanent as error:
        return str(error)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_what_is_written_down_is_built_again_and_gives_the_same(built: Flow) -> None:
    written = json.loads(json.dumps(built.to_blueprint()))
    again = Flow.from_blueprint(written)

    assert again.to_blueprint() == written == built.to_blueprint()
    Blueprint.model_validate(written)
    if all(node["join"] == "all" for node in written["nodes"]):  # else whichever came first
        assert output_of(again) == output_of(built)


def test_all_that_a_graph_says_is_in_it() -> None:
    access = Access(owner="ann", starters=("group:editors",))
    built = (
        Flow("all", title="All", description="Of it.", version="3", concurrency=4, retries=1,
             backoff=2, backoff_cap=9, timeout=None, exclusive=True, isolation="process",
             memory="1MiB", source=dict, fold=list, access=access)
        .node("start", listed, inputs={"_value": "record"})
        .batch("each", inner, input_key="start", output_key="out", concurrency=3, distributed=True,
               on_failure="partial")
        .node("sum", sum, inputs=["out", "record"], join="any", retries=2, backoff=1, timeout=8,
              fallback=same)
        .edge("start", "each_scatter", when=holds)
        .edge("each_gather", "sum", when="len(output) > 1")
    )  # fmt: skip
    written = built.to_blueprint()
    nodes = {it["id"]: it for it in written["nodes"]}

    assert Flow.from_blueprint(written).to_blueprint() == written
    assert written["name"] == "all"
    assert (written["source"], written["fold"]) == ("builtins:dict", "builtins:list")
    assert (written["memory"], written["access"]["starters"]) == (2**20, ["group:editors"])
    assert nodes["start"]["inputs"] == {"_value": "record"}
    assert nodes["each"]["scatter"] == {
        "input_key": "start", "output_key": "out", "concurrency": 3, "distributed": True,
        "on_failure": "partial",
    }  # fmt: skip
    assert nodes["each"]["function"]["title"] == "Within"
    assert nodes["sum"] == {
        "id": "sum", "function": "builtins:sum", "inputs": ["out", "record"], "join": "any",
        "retries": 2, "backoff": 1, "timeout": 8, "fallback": f"{HERE}:same",
    }  # fmt: skip
    assert written["edges"] == [
        {"source": "start", "target": "each", "when": {"function": f"{HERE}:holds"}},
        {"source": "each", "target": "sum", "when": "len(output) > 1"},
    ]


def test_a_function_with_a_flow_above_it_is_one_node() -> None:
    written = function.to_blueprint()
    again = Flow.from_blueprint(written)

    assert written["nodes"] == [{"id": "function", "function": f"{HERE}:function"}]
    assert (written["kind"], written["version"], written["retries"]) == ("function", "2", 1)
    assert again.to_blueprint() == written
    assert again("a") == "a"
    assert again.title == "A function, described."


def test_a_flow_in_a_file_is_built_again_by_the_file_s_place(tmp_path: Path) -> None:
    file = tmp_path / "flows.py"
    file.write_text(
        "from fanfold import Flow\n"
        "class Tools:\n    @staticmethod\n    def twice(n):\n        return 2 * n\n"
        "twice = lambda n: n + n\n"
        "total = Flow('total').node('a', Tools.twice).node('b', twice).edge('a', 'b')\n"
        "import json\n"
        "again = Flow.from_blueprint(json.loads(json.dumps(total.to_blueprint())))\n"
    )
    library = Library()
    written = library.find(f"{file}:total").flow.to_blueprint()  # type: ignore[attr-defined]

    assert [it["function"] for it in written["nodes"]] == [f"{file}:Tools.twice", f"{file}:twice"]
    assert Flow.from_blueprint(written).run(1) == 4
    # one that is built in a module is found there by other processes
    again = library.find(f"{file}:again").flow
    assert Library().take(again).place == f"{file}:again"


def test_a_flow_of_lambdas_is_written_down_and_asks_for_them_when_it_is_built() -> None:
    nested = Flow("nested").node("x", lambda n: n + 1)
    built = (
        Flow("total", source=lambda: [3])
        .node("start", lambda record: [record])
        .batch("add", nested, fallback=lambda n: n)
        .edge("start", "add", when=lambda output: output != [])
    )
    written = built.to_blueprint()

    assert "<lambda>" in written["nodes"][0]["function"]["unplaced"]
    with pytest.raises(FlowInvalid, match=r"node 'start': its function has no place .*<lambda>"):
        Flow.from_blueprint(written, {".source": same})
    functions = {
        "start": listed, "add/x": same, "add.fallback": same, "start -> add": holds, ".source": same
    }  # fmt: skip
    assert Flow.from_blueprint(written, functions).run() == [1, 2, 3]
    with pytest.raises(FlowInvalid, match="no function 'strat' to supply"):
        Flow.from_blueprint(written, functions | {"strat": same})


def test_named_arguments_are_given_again() -> None:
    built = Flow("named").node("a", same).node("b", paired, inputs={"one": "a", "other": "record"})
    built.edge("a", "b")

    assert Flow.from_blueprint(built.to_blueprint()).run(1) == [1, 1]


def test_only_what_is_needed_must_be_written() -> None:
    short = {"blueprint": 1, "name": "short", "nodes": [{"id": "a", "function": "builtins:sum"}]}

    assert Flow.from_blueprint(short).to_blueprint() == Flow("short").node("a", sum).to_blueprint()


NODE = {"id": "a", "function": "builtins:sum"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"blueprint": 2}, "blueprint of x: blueprint: only version 1 of blueprints is known here"),
        ({"blueprint": True}, "only version 1"),
        ({"concurency": 3}, "blueprint of x: concurency: is no field of it"),
        ({"nodes": None}, "nodes: Input should be a valid list, got None"),
        ({"nodes": []}, "flow x has no nodes"),
        ({"nodes": [{"id": "a"}]}, "node 'a': function: is missing"),
        ({"nodes": [{"function": "a:b"}]}, r"nodes\[0\]: id: is missing"),
        ({"nodes": [NODE | {"retries": "3"}]}, "node 'a': retries: .*integer, got '3'"),
        ({"nodes": [NODE | {"retries": -1}]}, "node 'a': retries must be 0 or more"),
        ({"nodes": [NODE | {"inputs": 3}]}, "node 'a': inputs"),
        ({"nodes": [NODE | {"inputs": "b"}]}, "node 'a' takes 'b', which nothing puts there"),
        ({"nodes": [NODE | {"scatter": {}, "inputs": "record"}]}, "has an input_key"),
        ({"nodes": [NODE | {"scatter": {"of": 1}}]}, "node 'a': scatter: of: is no field of it"),
        ({"nodes": [NODE | {"function": 5}]}, "node 'a': function: a function is its place"),
        ({"nodes": [NODE | {"function": "sum"}]}, "node 'a': its function .*'sum' is no place"),
        ({"nodes": [NODE | {"function": "nope.m:f"}]}, "node 'a': .*no module nope.m"),
        ({"nodes": [NODE | {"function": "math:nope"}]}, "node 'a': .*math has no 'nope'"),
        ({"nodes": [NODE | {"function": "math:pi"}]}, "node 'a': .*math:pi is of type float"),
        ({"nodes": [NODE, NODE]}, "node 'a': there is one of this id already"),
        ({"edges": [{"source": "a", "target": "b"}]}, "an edge names node 'b'"),
        ({"edges": [{"source": "a", "target": "b", "when": 1}]}, "edge 'a' → 'b': when: a cond"),
        ({"kind": "function", "concurrency": 2}, "a function is one node"),
        ({"kind": "function", "nodes": [NODE | {"retries": 2}]}, "retries is the function's own"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_on_one_line(
    changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(FlowInvalid, match=said) as raised:
        Flow.from_blueprint({"blueprint": 1, "name": "x", "nodes": [NODE]} | changed)
    assert "\n" not in str(raised.value)


def test_what_is_wrong_within_a_nested_one_is_told_with_its_place() -> None:
    nested = {"blueprint": 1, "name": "in", "nodes": [NODE | {"timeout": "x"}]}
    outer = {"blueprint": 1, "name": "x", "nodes": [{"id": "out", "function": nested}]}

    with pytest.raises(FlowInvalid, match="node 'out': function: node 'a': timeout"):
        Flow.from_blueprint(outer)
    with pytest.raises(FlowInvalid, match="a blueprint is an object, not list"):
        Flow.from_blueprint([])  # type: ignore[arg-type]
    nested["nodes"] = [NODE]
    with pytest.raises(FlowInvalid, match="its retries is that of its blueprint"):
        Flow.from_blueprint(outer | {"nodes": [{"id": "o", "function": nested, "retries": 1}]})


def test_what_is_left_out_is_as_it_is_with_the_builder() -> None:
    def defaults(fn: Any) -> dict[str, Any]:
        return {name: it.default for name, it in signature(fn).parameters.items()}

    for model, fn in ((Blueprint, Flow), (NodeBlueprint, Flow.node), (Scattered, Flow.batch)):
        own = defaults(fn)
        for name, field in model.model_fields.items():
            if name in own and not field.is_required() and name != "access":
                assert field.default == own[name] or (name, own[name]) == ("description", ""), name
    assert defaults(flow)["retries"] == Blueprint.model_fields["retries"].default


def test_the_schema_of_the_documents_is_the_grammar_s() -> None:
    stored = json.loads((DOCS / "blueprint.schema.json").read_text())
    assert stored == Blueprint.model_json_schema()
