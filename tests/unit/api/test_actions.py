"""Which actions there are and what they need, over HTTP, for whom they are."""

from __future__ import annotations

import pytest
from httpx import Client


def test_an_action_tells_what_it_takes_and_needs(client: Client) -> None:
    (action,) = client.get("/api/actions").json()
    assert (action["id"], action["provider"]) == ("post", "slack")
    assert (action["scopes"], action["roles"]) == (["chat:write"], ["roles/pubsub.publisher"])
    assert action["input_schema"] == action["output_schema"] == {"type": "string"}


@pytest.mark.parametrize(
    ("who", "ids"),
    [("ann", ["post"]), ("bob editors", ["post", "send"]), ("root", ["post", "send"])],
)
def test_actions_and_what_they_need_are_seen_by_whom_they_are_for(
    client: Client, who: str, ids: list[str]
) -> None:
    client.headers["Authorization"] = f"Bearer {who}"
    assert [it["id"] for it in client.get("/api/actions").json()] == ids
    providers = {it["provider"]: it["actions"] for it in client.get("/api/providers").json()}
    assert ("mail" in providers) == ("send" in ids)
    assert providers["slack"] == ["post"]


def test_those_of_one_provider_are_listed(client: Client) -> None:
    assert len(client.get("/api/actions", params={"provider": "slack"}).json()) == 1
    assert client.get("/api/actions", params={"provider": "fax"}).json() == []


def test_roles_are_listed_with_the_actions_that_need_them(client: Client) -> None:
    assert client.get("/api/roles").json() == [
        {"role": "roles/pubsub.publisher", "actions": ["post"]}
    ]


def test_who_is_not_known_learns_of_none(client: Client) -> None:
    del client.headers["Authorization"]
    for path in ("/api/actions", "/api/providers", "/api/roles"):
        assert client.get(path).status_code == 401
