"""A function that says what it needs is the same function, and is found by it."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from fanfold import Context, Flow, action, flow
from fanfold.domain.action import action_of, providers_of, roles_of
from fanfold.errors import FlowInvalid
from fanfold.execution.library import Library
from fanfold.graphs.actions import actions_of, input_schema_of, output_schema_of

PUBLISH, SECRETS = "roles/pubsub.publisher", "roles/secretmanager.secretAccessor"


class Message(BaseModel):
    text: str


@action(provider="slack", scopes=["chat:write", "chat:write"], roles=[SECRETS])
def post(message: Message, ctx: Context) -> str:
    """Post a message.

    In a channel."""
    ctx.log("posted")
    return f"{message.text}!"


@action(provider="slack", scopes=["users:read"], roles=[PUBLISH, SECRETS], id="ask", title="Ask")
async def look_up(name: str, limit: int = 3) -> list[str]:
    return [name] * limit


def test_it_is_the_function_it_was(tmp_path: Path) -> None:
    assert inspect.isfunction(post)
    assert inspect.iscoroutinefunction(look_up)
    assert list(inspect.signature(post).parameters) == ["message", "ctx"]
    assert pickle.loads(pickle.dumps(post)) is post  # noqa: S301
    assert action_of(tmp_path.exists) is None


def test_it_says_what_it_needs() -> None:
    its, other = action_of(post), action_of(look_up)
    assert its
    assert other
    assert (its.id, its.title, its.description) == (
        "post", "Post a message.", "Post a message.\n\nIn a channel.",
    )  # fmt: skip
    assert (its.provider, its.scopes, its.roles) == ("slack", ("chat:write",), (SECRETS,))
    assert (other.id, other.title) == ("ask", "Ask")


def test_its_schemas_are_those_of_its_annotations() -> None:
    taken, asked = input_schema_of(post), input_schema_of(look_up)
    assert taken
    assert asked
    assert taken["properties"]["text"] == {"title": "Text", "type": "string"}
    assert set(asked["properties"]) == {"name", "limit"}
    assert output_schema_of(post) == {"type": "string"}
    assert output_schema_of(look_up) == {"type": "array", "items": {"type": "string"}}


def test_it_is_a_node_an_item_s_worker_and_a_fallback() -> None:
    built = (
        Flow("say")
        .node("names", look_up, inputs={"name": "record"})
        .batch("write", lambda name: {"text": name})
        .batch("post", post, fallback=post)
        .edge("names", "write")
        .edge("write", "post")
    )
    assert built.run("ann") == ["ann!"] * 3


def test_a_flow_knows_the_actions_of_all_its_nodes() -> None:
    inner = Flow("inner").node("ask", look_up, inputs={"name": "record", "limit": "record"})
    built = (
        Flow("outer")
        .batch("each", inner)
        .node("last", len, fallback=post)
        .node("again", flow(post), inputs="record")
        .edge("each", "last")
    )
    ours = actions_of(built)
    assert [it.id for it in ours] == ["ask", "post"]
    (provider,) = providers_of(ours)
    assert provider.scopes == ("chat:write", "users:read")
    assert provider.actions == ("ask", "post")
    assert [(it.role, it.actions) for it in roles_of(ours)] == [
        (PUBLISH, ("ask",)), (SECRETS, ("ask", "post")),
    ]  # fmt: skip


def works(_record: Any) -> None: ...


@pytest.mark.parametrize(
    ("given", "fn", "said"),
    [
        ({"provider": "Slack!"}, works, "provider is the name of a service"),
        ({"provider": None}, works, "provider is the name of a service"),
        ({"scopes": "chat:write"}, works, "scopes is a list of texts"),
        ({"scopes": ["chat write"]}, works, "'chat write' is none of its scopes"),
        ({"scopes": [5]}, works, "5 is none of its scopes"),
        ({"roles": ["pubsub.publisher"]}, works, "none of its roles: as in 'roles/pubsub.pub"),
        ({"id": "no blank"}, works, "'no blank' cannot be an action's id"),
        ({}, lambda record: record, "'<lambda>' cannot be an action's id"),
        ({}, len, "action len: <built-in function len> cannot be marked"),
        ({}, flow(works), "action works: put @action beneath @flow"),
        ({}, lambda: None, "cannot be an action's id"),
        ({"id": "none"}, lambda: None, "action none: a flow takes one record"),
    ],
)
def test_what_cannot_be_is_refused_on_one_line(given: dict[str, Any], fn: Any, said: str) -> None:
    with pytest.raises(FlowInvalid, match=said) as raised:
        action(**({"provider": "slack"} | given))(fn)
    assert "\n" not in str(raised.value)


def test_actions_are_found_where_flows_are(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text(
        "from fanfold import action\n"
        "@action(provider='mail')\ndef send(record): ...\n"
        "other_name = send\n"
    )
    uses = tmp_path / "uses.py"
    uses.write_text(
        "from tools import send\nfrom fanfold import action\n"
        "@action(provider='mail', id='twice')\ndef one(record): ...\n"
    )
    twice = tmp_path / "twice.py"
    twice.write_text(
        "from fanfold import action\n@action(provider='mail', id='twice')\ndef it(record): ...\n"
    )
    library = Library([str(uses), "tools", str(twice), str(tmp_path / "gone.py")])
    found = library.actions()

    assert [(it.action.id, it.place) for it in found] == [
        ("send", "tools:send"), ("twice", f"{uses}:one"),
    ]  # fmt: skip
    gone, two = sorted(library.problems)
    assert "gone.py does not exist" in gone
    assert "two actions have the id 'twice'" in two
