"""What can be started, and by whom, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest
from httpx import Client


def test_a_flow_tells_what_it_is_and_what_one_is_to_it(client: Client) -> None:
    flow = client.get("/api/flows/shout").json()
    assert (flow["name"], flow["retries"], flow["has_source"]) == ("shout", 0, False)
    assert flow["roles"] == ["starter", "viewer"]
    assert client.get("/api/flows/own").json()["has_source"] is True


@pytest.mark.parametrize(
    ("who", "roles"),
    [
        ("bob", None),
        ("vic", ["viewer"]),
        ("ann editors", ["starter", "viewer"]),
        ("eve auditors", ["monitor", "viewer"]),
        ("root", ["manager", "monitor", "owner", "starter", "viewer"]),
    ],
)
def test_flows_are_seen_by_whom_they_are_for(
    client: Client, who: str, roles: list[str] | None
) -> None:
    client.headers["Authorization"] = f"Bearer {who}"
    listed = {it["name"]: it["roles"] for it in client.get("/api/flows").json()}
    assert "shout" in listed
    assert listed.get("secret") == roles
    answer = client.get("/api/flows/secret")
    assert answer.status_code == (404 if roles is None else 200)
    assert roles is None or answer.json()["roles"] == roles


def test_a_flow_that_is_not_there_is_not_found(client: Client) -> None:
    answer = client.get("/api/flows/nope")
    assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such flow here")


def test_a_flow_tells_its_graph_and_what_its_actions_need(client: Client) -> None:
    flow = client.get("/api/flows/tell").json()
    nodes = {it["id"]: it for it in flow["graph"]["nodes"]}
    assert (nodes["post"]["scattered"], nodes["post"]["concurrency"]) == (True, 3)
    assert (nodes["post"]["action"], nodes["post"]["provider"]) == ("post", "slack")
    assert flow["graph"]["edges"][0] == {
        "source": "start", "target": "post", "when": "len(output) > 0",
    }  # fmt: skip
    assert flow["mermaid"].startswith("flowchart TD\n")
    assert flow["needs"]["actions"] == ["post", "send"]
    assert flow["needs"]["providers"][1] == {
        "provider": "slack", "scopes": ["chat:write"], "actions": ["post"],
    }  # fmt: skip
    assert flow["needs"]["roles"] == [{"role": "roles/pubsub.publisher", "actions": ["post"]}]
    function = client.get("/api/flows/shout").json()
    assert [it["id"] for it in function["graph"]["nodes"]] == ["shout"]


def test_a_flow_whose_graph_is_wrong_is_there_without_it(client: Client) -> None:
    answer = client.get("/api/flows/wrong")
    assert (answer.status_code, answer.json()["name"]) == (200, "wrong")
    assert answer.json()["graph"] is None


def test_no_call_tells_where_code_lies(client: Client, tmp_path: Path) -> None:
    for path in ("/api/flows", "/api/flows/tell", "/api/actions"):
        assert str(tmp_path) not in client.get(path).text


def test_no_call_takes_a_blueprint(client: Client) -> None:
    """It would import whatever it names."""
    calls = client.get("/openapi.json").json()
    assert [
        path for path, its in calls["paths"].items() if "/flows" in path and its.keys() != {"get"}
    ] == []
