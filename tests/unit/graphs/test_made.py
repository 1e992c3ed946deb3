"""Flows that are data: they call what is registered, and nothing else is loaded for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.flow import FlowRef
from fanfold.domain.registered import MADE, Made, made_of
from fanfold.errors import FlowInvalid
from fanfold.execution.library import Library
from fanfold.execution.validation import InputInvalid, check_input
from fanfold.graphs.made import made

ACTIONS = {"upper": str.upper, "double": lambda n: n * 2}
ACTION_FILE = """
from fanfold import action

@action(provider="words")
def upper(text: str) -> str:
    return text.upper()
"""


def blueprint(*nodes: Any, edges: Any = (), **more: Any) -> Made:
    its = [
        {"id": f"n{i}", "function": it} if isinstance(it, str) else it for i, it in enumerate(nodes)
    ]
    links = [{"source": a, "target": b, "when": c} for a, b, c in edges]
    return Made({"blueprint": 1, "name": "f", "nodes": its, "edges": links, **more}, {})


def test_it_runs_the_actions_that_it_names() -> None:
    two = blueprint("action:upper", "fanfold:pass", edges=[("n0", "n1", None)])
    assert made(two, ACTIONS).run("a") == "A"
    each = {"id": "each", "function": "action:double", "scatter": {"concurrency": 2}}
    assert made(blueprint(each), ACTIONS).run([1, 2, 3]) == [2, 4, 6]


@pytest.mark.parametrize(
    ("node", "told"),
    [
        ("os:system", "a registered flow calls actions"),
        ("builtins:eval", "a registered flow calls actions"),
        ("/etc/passwd:x", "a registered flow calls actions"),
        ("action:uper", "there is no action 'uper' here. Did you mean upper?"),
        ({"id": "n0", "function": {"unplaced": "<lambda>"}}, "<lambda> is no action"),
        ({"id": "n0", "function": "action:upper", "fallback": "os:system"}, "its fallback"),
        (
            {"id": "n0", "function": {"blueprint": 1, "name": "g", "nodes": [
                {"id": "n1", "function": "os:system"}]}},
            "node 'n1'",
        ),
        (
            {"id": "n0", "function": {"blueprint": 1, "name": "g", "source": "os:listdir",
                "nodes": [{"id": "n1", "function": "action:upper"}]}},
            "node 'n0': a registered flow has no source",
        ),
    ],
)  # fmt: skip
def test_what_is_no_action_is_refused_with_its_node(node: Any, told: str) -> None:
    with pytest.raises(FlowInvalid, match=r"node 'n\d'") as refused:
        made(blueprint(node), ACTIONS)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"source": "os:listdir"}, "has no source: that would be code"),
        ({"fold": "builtins:list"}, "has no fold: that would be code"),
        ({"access": {"owner": "eve"}}, "said beside its definition"),
    ],
)
def test_what_would_be_code_or_is_said_elsewhere_is_refused(more: Any, told: str) -> None:
    with pytest.raises(FlowInvalid, match=told):
        made(blueprint("action:upper", **more), ACTIONS)


def test_a_condition_that_is_a_function_must_be_an_action_too() -> None:
    edges = [("n0", "n1", {"function": "os:system"})]
    with pytest.raises(FlowInvalid, match="a registered flow calls actions"):
        made(blueprint("action:upper", "action:upper", edges=edges), ACTIONS)


def test_nothing_is_imported_for_what_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "trap.py"
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\ndef f(x): return x\n")
    with pytest.raises(FlowInvalid):
        made(blueprint(f"{trap}:f"), ACTIONS)
    assert not (tmp_path / "sprung").exists()


def test_its_schema_is_what_its_records_are_held_against() -> None:
    of = blueprint("action:upper")
    flow = made(Made(of.blueprint, {"type": "string", "maxLength": 2}), ACTIONS)
    assert check_input(flow, "ab") == "ab"
    for wrong in ("abc", 3, None):
        with pytest.raises(InputInvalid):
            check_input(flow, wrong)


def test_it_is_carried_by_a_place_and_found_in_any_process(tmp_path: Path) -> None:
    of = Made(blueprint("action:upper").blueprint, {"type": "string"}, {"StartAt": "é"})
    assert made_of(of.place) == of
    assert of.place.startswith(MADE)
    assert made_of("package.module:flow") is None
    (tmp_path / "actions.py").write_text(ACTION_FILE)
    library = Library([str(tmp_path / "actions.py")])
    assert library.resolve(FlowRef("f", "1", of.place)).name == "f"
    with pytest.raises(FlowInvalid, match="there is no action 'upper' here"):
        Library().resolve(FlowRef("f", "1", of.place))
