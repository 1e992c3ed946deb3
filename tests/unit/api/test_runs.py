"""Single runs over HTTP: started, listed from the start, waited for, changed, canceled."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from httpx import Client

from fanfold.domain.ids import run_id_of
from fanfold.domain.run import Live, RunState
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import ok
from fanfold.testing.stations import fanned_out, finalized
from fanfold.testing.working import work, working
from fanfold.wiring import Fanfold
from tests.unit.steps.both import ENGINES

each_engine = pytest.mark.parametrize("fanfold", ENGINES, indirect=True)


def started(client: Client, flow: str = "shout", **more: Any) -> dict[str, Any]:
    answer = client.post("/api/runs", json={"flow": flow, "input": {"text": "ah"}, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/api/runs/{found['run_id']}"
    return found


def get(client: Client, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/runs/{run_id}").json()
    return found


def listed(client: Client, **query: Any) -> list[str]:
    return [it["run_id"] for it in client.get("/api/runs", params=query).json()]


# ------------------------------------------------------------ from start to end


@each_engine
def test_a_run_from_its_start_to_its_output(client: Client, fanfold: Fanfold) -> None:
    run = started(client, label="one", tags=["a", "b"])
    assert (run["status"], run["single"], run["owner"]) == ("queued", True, "ann")
    assert listed(client) == [run["run_id"]]
    work(fanfold.ports, library=fanfold.library)
    after = get(client, run["run_id"])
    assert (after["status"], after["output"], after["input"]) == ("succeeded", "AH", {"text": "ah"})
    assert (after["label"], after["tags"], after["attempts"]) == ("one", ["a", "b"], 1)
    assert after["ended_at"] is not None
    (shown,) = client.get("/api/runs").json()
    assert {name: after[name] for name in shown if name != "seconds"} == {
        name: value for name, value in shown.items() if name != "seconds"
    }


@each_engine
def test_a_run_that_fails_says_why_in_the_list_and_by_itself(
    client: Client, fanfold: Fanfold
) -> None:
    run_id = started(client, input={"bad": True})["run_id"]
    work(fanfold.ports, library=fanfold.library)
    (shown,) = client.get("/api/runs").json()
    for it in (shown, get(client, run_id)):
        assert it["status"] == "failed"
        assert it["error"] == {"type": "ValueError", "message": "bad record"}


@each_engine
def test_each_state_is_told_and_found(client: Client, fanfold: Fanfold, clock: StillClock) -> None:
    ports = fanfold.ports
    states = ("queued", "running", "waiting", "succeeded", "canceled")
    runs = {}
    for state in states:
        runs[state] = started(client)
        clock.pass_(1)
    batches = {it: fanned_out(ports, ports.batches.get(runs[it]["batch_id"])) for it in states}
    until = clock.now() + 60

    def live(state: str) -> Live:
        return Live(batches[state].id, 0, 1, RunState(state), until, attempts=1, started_at=1.0)

    ports.leases.hold(batches["running"], [live("running")])
    ports.leases.wait(batches["waiting"], [live("waiting")])
    ports.runs.settle(batches["succeeded"], [ok(batches["succeeded"], 0)])
    client.post(f"/api/runs/{runs['canceled']['run_id']}/cancel")
    finalized(ports, batches["canceled"])
    for state in states:
        assert get(client, runs[state]["run_id"])["status"] == state
        assert listed(client, status=state) == [runs[state]["run_id"]]
    assert listed(client, status="failed") == []


def test_the_list_takes_filters_and_comes_in_pages(client: Client, clock: StillClock) -> None:
    ids = []
    for number in range(5):
        label = f"Nightly {number}"
        ids.append(started(client, label=label, tags=[str(number % 2)])["run_id"])
        clock.pass_(10)
    client.post("/api/batches", json={"flow": "shout", "records": [{"text": "a"}]})
    ids.reverse()
    assert listed(client) == ids
    assert listed(client, tag="1") == [ids[1], ids[3]]
    assert listed(client, label="nightly 3") == [ids[1]]
    assert listed(client, flow="own") == []
    answer = client.get("/api/runs?limit=2")
    assert [it["run_id"] for it in answer.json()] == ids[:2]
    answer = client.get(answer.links["next"]["url"])
    assert [it["run_id"] for it in answer.json()] == ids[2:4]
    answer = client.get(answer.links["next"]["url"])
    assert ([it["run_id"] for it in answer.json()], "next" in answer.links) == ([ids[4]], False)
    created = get(client, ids[2])["created_at"]
    assert listed(client, since=created) == ids[:3]
    assert listed(client, until=created) == ids[3:]
    assert [it["flow"] for it in client.get("/api/batches").json()] == ["shout"]


# ----------------------------------------------------------------------- what it says


@each_engine
def test_the_log_tells_what_became_of_it_and_what_its_flow_wrote(
    client: Client, fanfold: Fanfold
) -> None:
    run_id = started(client, flow="chatty", input=3)["run_id"]
    place = f"/api/runs/{run_id}/log"
    assert [it["code"] for it in client.get(place).json()] == ["created"]
    work(fanfold.ports, library=fanfold.library)
    log = client.get(place).json()
    assert [it["code"] for it in log] == ["created", "started", *["log"] * 3, "succeeded"]
    assert [(it["message"], it["fields"]) for it in log[2:4]] == [
        ("said", {"n": 0}),
        ("said", {"n": 1}),
    ]
    first = client.get(place, params={"limit": 4})
    assert first.json() == log[:4]
    assert client.get(first.links["next"]["url"]).json() == log[4:]


def test_any_record_of_a_batch_is_a_run_and_is_not_listed(client: Client, fanfold: Fanfold) -> None:
    records = [{"text": "a"}, {"text": "b"}]
    batch = client.post("/api/batches", json={"flow": "shout", "records": records}).json()
    work(fanfold.ports, library=fanfold.library)
    run_id = run_id_of(batch["id"], 1)
    assert (get(client, run_id)["output"], get(client, run_id)["single"]) == ("B", False)
    assert listed(client) == []
    for answer in (
        client.post(f"/api/runs/{run_id}/cancel"),
        client.patch(f"/api/runs/{run_id}", json={"label": "x"}),
    ):
        assert answer.status_code == 409
        assert batch["id"] in answer.json()["detail"]


@pytest.mark.parametrize(
    "run_id",
    ["nonsense", "00000000-0000-4000-8000-000000000000", run_id_of("batch-" + "a" * 16, 0)],
)
def test_a_run_that_is_not_there_is_said_so(client: Client, run_id: str) -> None:
    answer = client.get(f"/api/runs/{run_id}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:fanfold:run-not-found")


def test_a_record_that_its_batch_has_not_is_no_run(client: Client) -> None:
    run = started(client)
    answer = client.get(f"/api/runs/{run_id_of(run['batch_id'], 1)}")
    assert answer.json()["type"] == "urn:fanfold:run-not-found"


# ---------------------------------------------------------------------- starting it


def test_the_same_key_starts_one_run_and_with_another_input_none(client: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"flow": "shout", "input": {"text": "a"}}
    first, again = (client.post("/api/runs", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["run_id"] == again.json()["run_id"]
    other = client.post("/api/runs", json={**body, "input": {"text": "b"}}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "urn:fanfold:request-reused")


def test_the_same_key_with_other_records_starts_nothing(client: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"flow": "shout", "records": [{"text": "a"}]}
    assert client.post("/api/batches", json=body, headers=headers).status_code == 201
    body["records"] = [{"text": "b"}]
    assert client.post("/api/batches", json=body, headers=headers).status_code == 409


def test_options_of_a_run_reach_its_flow(client: Client, fanfold: Fanfold) -> None:
    run = started(
        client, flow="tells", input=1, parameters={"p": 1}, retries=2, timeout=7, priority="high"
    )
    work(fanfold.ports, library=fanfold.library)
    assert get(client, run["run_id"])["output"] == {"p": 1}
    options = client.get(f"/api/batches/{run['batch_id']}").json()["options"]
    wanted = {"retries": 2, "timeout": 7, "priority": "high", "concurrency": None}
    assert {name: options[name] for name in wanted} == wanted


def test_a_run_whose_time_is_over_is_skipped(
    client: Client, fanfold: Fanfold, clock: StillClock
) -> None:
    run_id = started(client, deadline=5)["run_id"]
    clock.pass_(6)
    work(fanfold.ports, library=fanfold.library)
    assert (get(client, run_id)["status"], listed(client, status="skipped")) == (
        "skipped",
        [run_id],
    )


def test_what_its_flow_folds_is_not_folded(client: Client, fanfold: Fanfold) -> None:
    run = started(client, flow="folding", input=1)
    work(fanfold.ports, library=fanfold.library)
    assert fanfold.ports.batches.get(run["batch_id"]).output is None
    assert get(client, run["run_id"])["output"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"flow": "shout"}, 422),
        ({"flow": "nobody", "input": 1}, 404),
        ({"flow": "shout", "input": 1, "retries": 101}, 422),
        ({"flow": "shout", "input": 1, "label": "x" * 201}, 400),
        ({"flow": "shout", "input": 1, "concurrency": 5}, 422),
        ({"flow": "typed", "input": {"text": 5}}, 400),
    ],
)
def test_what_cannot_be_started_is_refused_and_not_stored(
    client: Client, fanfold: Fanfold, body: dict[str, Any], status: int
) -> None:
    assert client.post("/api/runs", json=body).status_code == status
    assert fanfold.ports.batches.find() == []


# --------------------------------------------------------------------- holding it


@each_engine
def test_label_tags_and_people_change_at_any_time(client: Client, fanfold: Fanfold) -> None:
    run = started(client, label="a", tags=["x"])
    work(fanfold.ports, library=fanfold.library)
    place = f"/api/runs/{run['run_id']}"
    after = client.patch(place, json={"label": "b"}).json()
    assert (after["label"], after["tags"]) == ("b", ["x"])
    after = client.patch(place, json={"label": None, "tags": [], "monitors": ["bob"]}).json()
    assert (after["label"], after["tags"]) == (None, [])
    bob = {"Authorization": "Bearer bob"}
    assert client.get(place, headers=bob).status_code == 200
    assert client.patch(place, json={"tags": None}).status_code == 422
    assert client.patch(place, json={"label": "x" * 201}).status_code == 400
    batch = client.patch(f"/api/batches/{run['batch_id']}", json={"tags": ["y"]})
    assert (batch.status_code, batch.json()["tags"]) == (200, ["y"])
    refused = client.patch(f"/api/batches/{run['batch_id']}", json={"tags": ["z"], "rate": "1/s"})
    assert refused.status_code == 409
    assert get(client, run["run_id"])["tags"] == ["y"]


def test_a_canceled_run_does_not_run_and_canceling_it_again_changes_nothing(
    client: Client, fanfold: Fanfold
) -> None:
    run_id = started(client)["run_id"]
    assert client.post(f"/api/runs/{run_id}/cancel").status_code == 200
    work(fanfold.ports, library=fanfold.library)
    again = client.post(f"/api/runs/{run_id}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "canceled")
    assert again.json()["error"] == {"type": "Canceled", "message": "canceled by the user"}
    other = started(client)["run_id"]
    work(fanfold.ports, library=fanfold.library)
    assert client.post(f"/api/runs/{other}/cancel").status_code == 409


def test_a_run_that_is_retried_is_queued_again_and_not_as_it_was(
    client: Client, fanfold: Fanfold
) -> None:
    run = started(client, input={"bad": True})
    work(fanfold.ports, library=fanfold.library)
    client.post(f"/api/batches/{run['batch_id']}/retry", json={"states": ["failed"]})
    assert get(client, run["run_id"])["status"] == "queued"
    assert client.get("/api/runs").json()[0]["status"] == "queued"


# --------------------------------------------------------------------- waiting


def test_waiting_ends_with_the_run_or_with_its_time(client: Client, fanfold: Fanfold) -> None:
    run = started(client)
    place = f"/api/runs/{run['run_id']}/wait"
    assert client.get(place, params={"timeout": 0}).json()["status"] == "queued"
    batch_place = f"/api/batches/{run['batch_id']}/wait"
    assert client.get(batch_place, params={"timeout": 0}).json()["status"] == "pending"
    answers: list[dict[str, Any]] = []
    waits = [
        Thread(target=lambda it=it: answers.append(client.get(it, params={"timeout": 60}).json()))
        for it in (place, batch_place)
    ]
    for it in waits:
        it.start()
    with working(fanfold.ports, library=fanfold.library):
        for it in waits:
            it.join(60)
    assert {it["status"] for it in answers} == {"succeeded", "completed"}
    assert client.get(place, params={"timeout": 61}).status_code == 422


def test_a_retry_that_is_repeated_with_the_generation_one_knows_is_one(
    client: Client, fanfold: Fanfold
) -> None:
    run = started(client, input={"bad": True})
    work(fanfold.ports, library=fanfold.library)
    place, body = f"/api/batches/{run['batch_id']}/retry", {"states": ["failed"], "generation": 1}
    first = client.post(place, json=body).json()
    work(fanfold.ports, library=fanfold.library)
    again = client.post(place, json=body).json()
    assert (first["retried"], again["retried"]) == (1, 1)
    assert again["batch"]["generation"] == 2
    assert client.post(place, json={**body, "generation": 4}).status_code == 409
