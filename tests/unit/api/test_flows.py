"""What can be started, and by whom, over HTTP."""

from __future__ import annotations

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
