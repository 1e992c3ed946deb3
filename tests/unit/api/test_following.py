"""Batches and runs that come after others, over HTTP: who may name them, and what is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from httpx import Client

from fanfold.testing.working import work
from fanfold.wiring import Fanfold
from tests.unit.steps.both import ENGINES

NOBODY = "batch-zzzzzzzzzzzzzzzz"


def created(client: Client, flow: str = "shout", **more: Any) -> str:
    records = more.pop("records", [{"text": "ah"}])
    answer = client.post("/api/batches", json={"flow": flow, "records": records, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["batch_id"])


def seen(client: Client, batch_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/batches/{batch_id}").json()
    return found


@pytest.mark.parametrize("fanfold", ENGINES, indirect=True)
def test_it_tells_what_it_waits_for_and_begins_then(client: Client, fanfold: Fanfold) -> None:
    first = created(client)
    second = created(client, after=[first])
    told = seen(client, second)
    assert (told["status"], told["options"]["after"]) == ("pending", [first])
    assert told["waits_for"] == [{"batch_id": first, "status": "pending"}]
    assert told["error"] == f"it waits for {first}, which is pending"
    (listed,) = [it for it in client.get("/api/batches").json() if it["id"] == second]
    assert listed["waits_for"] == told["waits_for"]
    work(fanfold.ports, library=fanfold.library)
    told = seen(client, second)
    assert (told["status"], told["waits_for"], told["error"]) == ("completed", [], None)


def test_it_is_skipped_or_not_as_it_wants(client: Client, fanfold: Fanfold) -> None:
    first = created(client, records=[{"bad": True}])
    skipped = created(client, after=[first])
    anyway = created(client, after=[first], after_on="end")
    work(fanfold.ports, library=fanfold.library)
    told = seen(client, skipped)
    assert (told["status"], told["error"]) == (
        "skipped",
        f"it comes after {first}, which failed",
    )
    assert seen(client, anyway)["status"] == "completed"
    assert client.get("/api/batches?status=skipped").json()[0]["id"] == skipped
    assert client.get(f"/api/batches/{skipped}/wait").json()["status"] == "skipped"
    refused = client.post(f"/api/batches/{skipped}/retry", json={"states": ["skipped"]})
    assert refused.status_code == 409
    assert f"fanfold retry {first} --failed" in refused.json()["detail"]


def test_a_run_by_itself_waits_and_is_skipped_likewise(client: Client, fanfold: Fanfold) -> None:
    first = created(client, records=[{"bad": True}])
    runs = {}
    for how in ("success", "end"):
        body = {"flow": "shout", "input": {"text": "ah"}, "after": [first], "after_on": how}
        answer = client.post("/api/runs", json=body)
        assert (answer.status_code, answer.json()["status"]) == (201, "queued")
        runs[how] = answer.json()
        assert seen(client, runs[how]["batch_id"])["waits_for"][0]["batch_id"] == first
    work(fanfold.ports, library=fanfold.library)
    ends = {how: client.get(f"/api/runs/{it['run_id']}").json() for how, it in runs.items()}
    assert (ends["success"]["status"], ends["end"]["status"]) == ("skipped", "succeeded")
    assert ends["success"]["error"]["message"] == f"it comes after {first}, which failed"


def test_an_upload_waits_likewise(client: Client) -> None:
    first = created(client)
    query = {"flow": "shout", "options": json.dumps({"after": [first]})}
    answer = client.post("/api/batches/upload", params=query, content=b'{"text": "ah"}\n')
    assert [it["batch_id"] for it in answer.json()["waits_for"]] == [first]


def test_what_it_comes_after_is_changed_while_it_waits(client: Client, fanfold: Fanfold) -> None:
    first, other = created(client, records=[{"bad": True}]), created(client)
    second = created(client, after=[first])
    place = f"/api/batches/{second}"
    told = client.patch(place, json={"after": [other], "after_on": "end"}).json()
    assert [it["batch_id"] for it in told["waits_for"]] == [other]
    third = created(client, after=[second])
    refused = client.patch(place, json={"after": [third]})
    assert refused.status_code == 400
    assert f"{second} → {third} → {second}" in refused.json()["detail"]
    assert client.patch(place, json={"after": None}).status_code == 422
    assert client.patch(place, json={"after": []}).json()["waits_for"] == []
    work(fanfold.ports, library=fanfold.library)
    assert client.patch(place, json={"after": [first]}).status_code == 409


@pytest.mark.parametrize("who", ["bob", "bob editors"])
def test_what_one_may_not_see_is_as_if_it_were_not_there(client: Client, who: str) -> None:
    client.headers["Authorization"] = "Bearer own editors"
    secret = created(client, "secret")
    seen_by_mia = created(client, "secret", monitors=["mia"])

    def refused(names: list[str]) -> list[tuple[int, str]]:
        its = created(client, after=[created(client)])
        body = {"flow": "shout", "records": [], "after": names}
        run = {"flow": "shout", "input": {}, "after": names}
        options = {"flow": "shout", "options": json.dumps({"after": names})}
        answers = [
            client.post("/api/batches", json=body),
            client.post("/api/runs", json=run),
            client.post("/api/batches/upload", params=options, content=b"{}\n"),
            client.patch(f"/api/batches/{its}", json={"after": names}),
        ]
        return [(it.status_code, it.json()["detail"]) for it in answers]

    client.headers["Authorization"] = f"Bearer {who}"
    for name in (secret, NOBODY):
        told = f"after: there is no batch {name} here"
        assert refused([name]) == [(400, told)] * 4
    client.headers["Authorization"] = "Bearer mia"
    assert created(client, after=[seen_by_mia])


def test_a_call_that_was_met_is_met_again_whatever_has_become_of_those(
    client: Client, fanfold: Fanfold
) -> None:
    first = created(client)
    body = {"flow": "shout", "records": [{"text": "ah"}], "after": [first]}
    again = {"json": body, "headers": {"Idempotency-Key": "once"}}
    second = client.post("/api/batches", **again).json()["id"]  # type: ignore[arg-type]
    work(fanfold.ports, library=fanfold.library)
    fanfold.ports.batches.forget(first)
    assert client.post("/api/batches", **again).json()["id"] == second  # type: ignore[arg-type]
