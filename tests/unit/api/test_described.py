"""Every call says in its document what it does, and what its parameters mean."""

from __future__ import annotations

from httpx import Client


def test_every_call_has_a_short_summary_and_tells_what_its_parameters_mean(client: Client) -> None:
    for path, calls in client.get("/openapi.json").json()["paths"].items():
        for method, call in calls.items():
            assert 0 < len(call["summary"]) <= 40, (method, path)
            assert call["description"], (method, path)
            silent = [it["name"] for it in call.get("parameters", ()) if "description" not in it]
            assert silent == [], (method, path)


def test_what_a_call_says_of_its_own_parameter_stands(client: Client) -> None:
    calls = client.get("/openapi.json").json()["paths"]["/api/batches"]
    told = {it["name"]: it["description"] for it in calls["get"]["parameters"]}
    assert told["label"] == "with this in it"
