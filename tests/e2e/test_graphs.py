"""graph, actions, and the bundled graph, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fanfold import Flow

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

TOOLS = """
from fanfold import Flow, action

print("loaded")

@action(provider="slack", scopes=["chat:write"], roles=["roles/secretmanager.secretAccessor"])
def post(record: dict) -> str:
    '''Post a message.'''

@action(provider="mail", roles=["roles/secretmanager.secretAccessor"])
def send(text: str) -> str: ...

tell = Flow("tell").node("end", post).node("mail", send).edge("end", "mail", when="output != ''")
wrong = Flow("wrong").node("a", post).edge("a", "b")
"""


@pytest.fixture
def tools(fanfold: Fanfold) -> str:
    return str(fanfold.write_text("tools.py", TOOLS))


def test_the_bundled_graph_runs_without_a_file(fanfold: Fanfold) -> None:
    ended = fanfold("run", "fanfold.flows.doubling", *fanfold.small, "--quiet")
    more = fanfold("run", "doubling", *fanfold.small, "--quiet", "--param", "count=5")

    assert (ended.code, ended.out) == (0, "120\n")
    assert (more.code, more.out) == (0, "300\n")


def test_a_flow_is_drawn(fanfold: Fanfold, tools: str) -> None:
    shown = fanfold.inside("graph", f"{tools}:tell")

    assert shown.code == 0
    assert shown.out.splitlines() == [
        "┌── end [slack]", "└── mail [mail]", "      when output != '' (end)",
    ]  # fmt: skip
    assert "loaded" in shown.err
    assert fanfold.inside("graph", "measure").out == "· measure\n"


def test_a_flow_is_written_as_mermaid_and_as_a_blueprint(fanfold: Fanfold, tools: str) -> None:
    mermaid = fanfold.inside("graph", f"{tools}:tell", "--mermaid")
    blueprint = fanfold("graph", f"{tools}:tell", "--json")

    assert mermaid.out.splitlines()[:2] == ["flowchart TD", '    n0["end [slack]"]']
    assert [it["id"] for it in blueprint.json["nodes"]] == ["end", "mail"]
    assert Flow.from_blueprint(blueprint.json).to_blueprint() == blueprint.json
    both = fanfold.inside("graph", "doubling", "--mermaid", "--json")
    assert (both.code, both.out) == (2, "")


def test_a_graph_that_is_wrong_says_so_on_one_line(fanfold: Fanfold, tools: str) -> None:
    shown = fanfold.inside("graph", f"{tools}:wrong")

    assert (shown.code, shown.out) == (2, "")
    assert "an edge names node 'b', and there is none" in shown.err


def test_graphs_are_marked_among_flows(fanfold: Fanfold, tools: str) -> None:
    shown = fanfold.inside("flows", FANFOLD_FLOWS=tools)
    as_json = fanfold("flows", "--json", FANFOLD_FLOWS=tools)

    assert "tell (2 nodes)\n  tools.py:tell, retries 3" in shown.out
    assert "wrong: an edge names node 'b'" in shown.err
    nodes = {it["name"]: it["nodes"] for it in as_json.json["flows"]}
    assert nodes["tell"] == ["end", "mail"]
    assert nodes["doubling"] == ["start", "double", "sum"]
    assert nodes["echo"] == ["echo"]
    assert nodes["wrong"] is None


def test_actions_are_listed_with_what_they_need(fanfold: Fanfold, tools: str) -> None:
    shown = fanfold.inside("actions", FANFOLD_FLOWS=tools)
    found = fanfold("actions", "--json", "--provider", "slack", FANFOLD_FLOWS=tools)

    assert shown.out.splitlines()[0] == "post  Post a message."
    assert "tools.py:post, slack, chat:write" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    (action,) = found.json["actions"]
    assert (action["id"], action["place"]) == ("post", str(fanfold.folder / "tools.py:post"))
    assert action["output_schema"] == {"type": "string"}
    assert found.json["problems"] == []


def test_services_and_roles_are_listed_with_the_actions_that_need_them(
    fanfold: Fanfold, tools: str
) -> None:
    def asked(*flags: str) -> Any:
        return fanfold.inside("actions", *flags, FANFOLD_FLOWS=tools)

    role = "roles/secretmanager.secretAccessor"
    assert asked("--providers").out.splitlines() == [
        "mail", "  for send", "slack", "  scopes chat:write", "  for post",
    ]  # fmt: skip
    assert asked("--roles").out.splitlines() == [role, "  for post, send"]
    assert asked("--roles", "--json", "--provider", "mail").json["roles"] == [
        {"role": role, "actions": ["send"]}
    ]
    assert asked("--roles", "--providers").code == 2


def test_where_there_is_no_action_it_says_how_there_is_one(fanfold: Fanfold) -> None:
    shown = fanfold.inside("actions")

    assert (shown.code, shown.out) == (0, "")
    assert "put @action above a function" in shown.err
