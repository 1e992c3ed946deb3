"""Batches over HTTP: started, looked at, held; and what is refused, in which words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import fsspec
import pytest
from httpx import Client

from fanfold.domain.ids import run_id_of
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import ok
from fanfold.testing.stations import fanned_out
from fanfold.testing.working import work, working
from fanfold.wiring import Fanfold
from tests.unit.steps.both import ENGINES

RECORDS: list[Any] = [
    {"id": "a", "text": "ah"},
    {"id": "b", "bad": True},
    {"id": "c", "text": "oh"},
]


def created(client: Client, flow: str = "shout", **more: Any) -> dict[str, Any]:
    body = {"flow": flow, "records": RECORDS, **more}
    answer = client.post("/api/batches", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/api/batches/{found['batch_id']}"
    return found


def done(client: Client, fanfold: Fanfold, **more: Any) -> str:
    batch_id: str = created(client, **more)["batch_id"]
    work(fanfold.ports, library=fanfold.library)
    return batch_id


#: both are asked the same
each_engine = pytest.mark.parametrize("fanfold", ENGINES, indirect=True)

# ------------------------------------------------------------ from start to end


@each_engine
def test_a_batch_from_its_creation_to_its_certificate(client: Client, fanfold: Fanfold) -> None:
    batch_id = created(client, label="nightly")["batch_id"]
    before = client.get(f"/api/batches/{batch_id}").json()
    assert (before["status"], before["owner"], before["label"]) == ("pending", "ann", "nightly")
    work(fanfold.ports, library=fanfold.library)
    after = client.get(f"/api/batches/{batch_id}").json()
    assert after["status"] == "completed"
    assert after["counts"] == {
        "total": 3, "queued": 0, "running": 0, "waiting": 0,
        "succeeded": 2, "failed": 1, "canceled": 0, "skipped": 0,
    }  # fmt: skip
    assert (after["progress"], after["eta"]) == (1.0, None)
    (group,) = client.get(f"/api/batches/{batch_id}/errors").json()
    assert after["errors"] == [group]
    assert (group["count"], group["example"], group["example_index"]) == (1, "bad record", 1)
    certificate = client.get(f"/api/batches/{batch_id}/certificate").json()
    assert certificate["holds"]
    assert certificate["digest"] == certificate["expected_digest"]


@each_engine
def test_what_a_batch_costs_is_told_and_bounded(client: Client, fanfold: Fanfold) -> None:
    batch_id = created(client, flow="paid", max_spend=0.5, concurrency=1, shuffle=False)["id"]
    work(fanfold.ports, library=fanfold.library)
    seen = client.get(f"/api/batches/{batch_id}").json()
    is_google = fanfold.settings.engine == "google"
    assert seen["cost"]["spent"] > seen["cost"]["max_spend"] == 0.5
    assert (seen["cost"]["services"] is not None) == is_google
    assert (seen["status"], seen["error"]) == (
        "failed",
        "$0.60 has been spent, and max_spend is $0.50",
    )


@each_engine
def test_a_canary_that_fails_is_told_and_waited_for_no_longer(
    client: Client, fanfold: Fanfold
) -> None:
    batch_id = created(client, canary=2, shuffle=False)["id"]
    place = f"/api/batches/{batch_id}"
    with working(fanfold.ports, library=fanfold.library):
        held = client.get(f"{place}/wait", params={"timeout": 60}).json()
        assert (held["status"], held["held"]) == ("paused", True)
        assert held["error"].startswith("1 of the first 2 records failed")
        assert not client.post(f"{place}/resume").json()["held"]
        assert client.get(f"{place}/wait", params={"timeout": 60}).json()["status"] == "completed"


@each_engine
def test_while_it_runs_it_tells_how_fast_it_goes_and_how_long_the_rest_will_take(
    client: Client, fanfold: Fanfold, clock: StillClock
) -> None:
    batch_id = created(client, concurrency=None, shuffle=False)["id"]
    ports = fanfold.ports
    batch = fanned_out(ports, ports.batches.get(batch_id))
    clock.pass_(4)
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 2)])
    seen = client.get(f"/api/batches/{batch_id}").json()
    assert (seen["rate"], seen["eta"], round(seen["progress"], 2)) == (0.5, 2.0, 0.67)


@each_engine
def test_results_are_lines_of_json_or_csv_in_record_order(client: Client, fanfold: Fanfold) -> None:
    batch_id = done(client, fanfold)
    answer = client.get(f"/api/batches/{batch_id}/results")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(it) for it in answer.text.splitlines()]
    assert [(it["key"], it["status"], it["output"]) for it in lines] == [
        ("a", "succeeded", "AH"), ("b", "failed", None), ("c", "succeeded", "OH"),
    ]  # fmt: skip
    table = client.get(f"/api/batches/{batch_id}/results", params={"format": "csv"}).text
    assert table.splitlines()[1] == '0,a,succeeded,"""AH""",,'
    some = client.get(
        f"/api/batches/{batch_id}/results", params={"start": 1, "stop": 3, "status": "succeeded"}
    )
    assert [json.loads(it)["key"] for it in some.text.splitlines()] == ["c"]


@each_engine
def test_jobs_are_there_from_the_start_and_one_is_found_by_key_or_index(
    client: Client, fanfold: Fanfold
) -> None:
    batch_id = created(client)["batch_id"]
    assert client.get(f"/api/batches/{batch_id}/jobs").json() == [], "nothing is read yet"
    work(fanfold.ports, library=fanfold.library)
    jobs = client.get(f"/api/batches/{batch_id}/jobs").json()
    assert [(it["record_id"], it["status"]) for it in jobs] == [
        ("a", "succeeded"), ("b", "failed"), ("c", "succeeded"),
    ]  # fmt: skip
    by_key = client.get(f"/api/batches/{batch_id}/jobs/b").json()
    assert by_key == client.get(f"/api/batches/{batch_id}/jobs/1").json()
    assert by_key["error"]["message"] == "bad record"
    assert by_key["attempts"] == 1
    assert by_key["traceback"].splitlines()[-1].endswith("bad record"), "and where it was raised"
    assert client.get(f"/api/batches/{batch_id}/jobs/a").json()["traceback"] is None
    assert client.get(f"/api/batches/{batch_id}/jobs/nope").status_code == 404


def test_a_run_by_itself_tells_of_its_nodes_and_the_records_of_a_batch_do_not(
    client: Client, fanfold: Fanfold
) -> None:
    batch_id = done(client, fanfold, flow="tell")
    assert client.get(f"/api/batches/{batch_id}/jobs/0").json()["log"] == []
    run_id = client.post("/api/runs", json={"flow": "tell", "input": "a"}).json()["run_id"]
    work(fanfold.ports, library=fanfold.library)
    log = client.get(f"/api/runs/{run_id}/log").json()
    nodes = [(it["code"], it["fields"]["node"]) for it in log if it["fields"]]
    assert nodes == [
        (f"node_{what}", node)
        for node in ("start", "post", "last")
        for what in ("started", "succeeded")
    ]


def test_jobs_come_page_by_page(client: Client, fanfold: Fanfold) -> None:
    batch_id = client.post("/api/batches", json={"flow": "own"}).json()["batch_id"]
    work(fanfold.ports, library=fanfold.library)
    seen: list[int] = []
    url: str | None = f"/api/batches/{batch_id}/jobs?limit=130"
    pages = 0
    while url is not None:
        answer = client.get(url)
        seen += [it["index"] for it in answer.json()]
        url = answer.links["next"]["url"] if "next" in answer.links else None
        pages += 1
    assert (seen, pages) == (list(range(300)), 3)


@each_engine
def test_events_are_sent_with_their_numbers_and_go_on_behind_one(
    client: Client, fanfold: Fanfold
) -> None:
    batch_id = done(client, fanfold)
    answer = client.get(f"/api/batches/{batch_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [dict(it.split(": ", 1) for it in block.splitlines()) for block in sent(answer.text)]
    assert [it["event"] for it in blocks if it["event"] != "progress"] == [
        "started", "first_failure", "completed",
    ]  # fmt: skip
    assert [int(it["id"]) for it in blocks] == [json.loads(it["data"])["sequence"] for it in blocks]
    last = {"Last-Event-ID": blocks[-2]["id"]}
    rest = client.get(f"/api/batches/{batch_id}/events", headers=last).text
    assert len(sent(rest)) == 1


def sent(text: str) -> list[str]:
    return [it for it in text.split("\n\n") if it]


# --------------------------------------------------------------- what is asked


def test_what_buttermilk_documents_works_unchanged(client: Client, fanfold: Fanfold) -> None:
    asked = {
        "flow": "own",
        "shuffle": True,
        "max_records": 100,
        "concurrency": 5,
        "error_policy": "continue",
        "parameters": {"my_param": "value"},
    }
    answer = client.post("/api/batches", json=asked)
    assert answer.status_code == 201
    batch_id = answer.json()["id"]
    work(fanfold.ports, library=fanfold.library)
    seen = client.get(f"/api/batches/{batch_id}").json()
    assert (seen["total_jobs"], seen["completed_jobs"], seen["failed_jobs"]) == (100, 100, 0)
    assert (seen["status"], seen["parameters"]) == ("completed", {"my_param": "value"})
    assert [it["id"] for it in client.get("/api/batches").json()] == [batch_id]
    assert len(client.get(f"/api/batches/{batch_id}/jobs").json()) == 100
    assert client.get(f"/api/batches/{batch_id}/jobs/0").status_code == 200
    assert client.delete(f"/api/batches/{batch_id}").status_code == 409, "it has ended"
    other = client.post("/api/batches", json=asked).json()["id"]
    assert client.delete(f"/api/batches/{other}").json()["status"] == "canceling"


def test_over_the_network_a_batch_is_shuffled_and_five_at_once_unless_it_says_otherwise(
    client: Client,
) -> None:
    options = created(client)["options"]
    assert (options["shuffle"], options["concurrency"]) == (True, 5)
    other = created(client, shuffle=False, concurrency=None)["options"]
    assert (other["shuffle"], other["concurrency"]) == (False, None)
    assert created(client, rate="10/s")["options"]["concurrency"] == 200
    also = {"flow_name": "shout", "flow_parameters": {"a": 1}, "records": RECORDS}
    assert client.post("/api/batches", json=also).json()["parameters"] == {"a": 1}


def test_the_same_call_repeated_under_its_key_starts_one_batch(client: Client) -> None:
    body = {"flow": "shout", "records": RECORDS}
    key = {"Idempotency-Key": "mine"}
    ids = {client.post("/api/batches", json=body, headers=key).json()["id"] for _ in range(3)}
    assert len(ids) == 1
    other = client.post("/api/batches", json={**body, "max_records": 1}, headers=key)
    assert (other.status_code, other.json()["type"]) == (409, "urn:fanfold:request-reused")
    somebody = {**key, "Authorization": "Bearer bob"}
    assert client.post("/api/batches", json=body, headers=somebody).json()["id"] not in ids


@each_engine
def test_batches_are_found_by_what_they_are(
    client: Client, fanfold: Fanfold, clock: StillClock
) -> None:
    assert fanfold.ports.batches.find() == []
    one = created(client, label="Nightly run", tags=["a", "b"])["id"]
    clock.pass_(60)
    two = client.post("/api/batches", json={"flow": "own"}).json()["id"]

    def found(**asked: Any) -> list[str]:
        return [it["id"] for it in client.get("/api/batches", params=asked).json()]

    assert found() == [two, one]
    assert found(flow="own") == [two]
    assert found(label="nightly") == [one]
    assert found(tag="b") == [one]
    assert found(status="completed") == []
    between = datetime.fromtimestamp(clock.now() - 30, UTC).isoformat()
    assert found(since=between) == [two]
    assert found(until=between) == [one]
    first = client.get("/api/batches", params={"limit": 1})
    assert [it["id"] for it in first.json()] == [two]
    rest = client.get(first.links["next"]["url"])
    assert [it["id"] for it in rest.json()] == [one]


@each_engine
def test_a_batch_is_held_changed_and_run_again(client: Client, fanfold: Fanfold) -> None:
    batch_id = created(client, concurrency=1)["id"]
    url = f"/api/batches/{batch_id}"
    assert client.post(f"{url}/pause").json()["status"] == "paused"
    assert client.patch(url, json={"concurrency": 7}).json()["options"]["concurrency"] == 7
    assert client.post(f"{url}/resume").json()["status"] == "running"
    work(fanfold.ports, library=fanfold.library)
    again = client.post(f"{url}/retry", json={"states": ["failed"]}).json()
    assert (again["retried"], again["batch"]["generation"]) == (1, 2)
    assert client.post(f"{url}/cancel").json()["status"] == "canceling"
    assert client.patch(url, json={"concurrency": 7}).status_code == 409


def test_all_files_below_a_folder_of_a_bucket_are_a_source(client: Client) -> None:
    store = fsspec.filesystem("memory")
    store.pipe({"/in/b.jsonl": b'{"text": "b"}\n', "/in/a/c.csv": b"text\nc\n"})
    try:
        answer = client.post("/api/batches", json={"flow": "shout", "source": "memory://in/"})
    finally:
        store.rm("/in", recursive=True)
    assert answer.status_code == 201, answer.text


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"flow": "nope"}, 404, "there is no such flow here"),
        ({}, 422, "flow"),
        ({"flow": "shout", "concurrency": 0}, 422, "concurrency"),
        ({"flow": "shout", "nonsense": 1}, 422, "nonsense"),
        ({"flow": "shout"}, 400, "send `records` or `source`"),
        ({"flow": "shout", "source": "/etc/passwd"}, 400, "gs://"),
        ({"flow": "shout", "source": "firestore://secrets"}, 400, "only name a bucket's files"),
        ({"flow": "shout", "records": [1], "source": "gs://b/o"}, 422, "both given"),
        ([], 422, "body"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    client: Client, body: Any, status: int, told: str
) -> None:
    answer = client.post("/api/batches", json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status), problem
    assert told in problem["detail"]
    assert client.get("/api/batches").json() == [], "nothing is stored"


@pytest.mark.parametrize("batch_id", ["batch-aaaaaaaaaaaaaaaa", "x", "%2e%2e", "batch-'or'1'='1"])
def test_what_is_not_there_is_not_found(client: Client, batch_id: str) -> None:
    for verb, place in (("get", ""), ("get", "/jobs"), ("get", "/results"), ("post", "/pause")):
        answer = getattr(client, verb)(f"/api/batches/{batch_id}{place}")
        assert answer.status_code == 404
    assert "there is no such" in client.get("/api/batches/x").json()["detail"]


def test_a_body_that_is_too_large_is_not_read(client: Client) -> None:
    body = b'{"flow": "shout", "records": ["' + b"x" * (17 * 1024 * 1024) + b'"]}'
    answer = client.post("/api/batches", content=body)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:fanfold:content-too-large")

    def pieces() -> Any:
        for start in range(0, len(body), 1 << 20):
            yield body[start : start + (1 << 20)]

    assert client.post("/api/batches", content=pieces()).status_code == 413


def test_what_goes_wrong_inside_is_not_told(client: Client, fanfold: Fanfold) -> None:
    batch_id = created(client)["id"]
    fanfold.ports.blobs.delete(fanfold.ports.batches.get(batch_id).source.blob)
    (fanfold.settings.home / "fanfold.db").rename(fanfold.settings.home / "gone.db")
    for part in fanfold.settings.home.glob("fanfold.db*"):
        part.unlink()
    answer = client.get(f"/api/batches/{batch_id}")
    assert str(fanfold.settings.home) not in answer.text
    assert "Traceback" not in answer.text


# ------------------------------------------------------------------- who may


def test_nobody_is_asked_for_nothing(client: Client) -> None:
    del client.headers["Authorization"]
    answer = client.get("/api/batches")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


CALLS = {
    "see": [("get", ""), ("get", "/jobs"), ("get", "/jobs/0"), ("get", "/results"),
            ("get", "/errors"), ("get", "/certificate"), ("get", "/events"), ("get", "/wait")],
    "hold": [("post", "/pause"), ("post", "/resume"), ("post", "/retry"), ("patch", ""),
             ("post", "/cancel"), ("delete", "")],
}  # fmt: skip
#: who asks, and whether they may see, and hold, what `own` has started of `secret`
MATRIX = {
    "own editors": (True, True),
    "root": (True, True),
    "max": (True, True),
    "eve managing": (True, True),
    "mia": (True, False),
    "eve monitoring": (True, False),
    "eve auditors": (True, False),
    "vic": (False, False),
    "bob editors": (False, False),
    "bob": (False, False),
}


@pytest.mark.parametrize("who", MATRIX)
def test_who_may_do_what(client: Client, fanfold: Fanfold, who: str) -> None:
    sees, holds = MATRIX[who]
    client.headers["Authorization"] = "Bearer own editors"
    batch_id = created(
        client,
        "secret",
        managers=["max", "group:managing"],
        monitors=["mia", "group:monitoring"],
    )["id"]
    work(fanfold.ports, library=fanfold.library)
    client.headers["Authorization"] = f"Bearer {who}"
    for verb, place in CALLS["see"]:
        answer = getattr(client, verb)(f"/api/batches/{batch_id}{place}")
        assert answer.status_code == (200 if sees else 404), (verb, place)
    body = {"states": ["failed"]}
    for verb, place in CALLS["hold"]:
        more = {"json": body if place == "/retry" else {}} if verb != "delete" else {}
        answer = getattr(client, verb)(f"/api/batches/{batch_id}{place}", **more)
        allowed = (200, 409) if holds else ((403,) if sees else (404,))
        assert answer.status_code in allowed, (verb, place, answer.text)
    listed = [it["id"] for it in client.get("/api/batches").json()]
    assert listed == ([batch_id] if sees else [])


def test_where_a_record_raised_is_told_to_whoever_may_hold_its_batch(
    client: Client, fanfold: Fanfold
) -> None:
    client.headers["Authorization"] = "Bearer own"
    batch_id = done(client, fanfold, managers=["max"], monitors=["mia"])
    run_id = run_id_of(batch_id, 1)
    for who, is_told in {"own": True, "max": True, "mia": False}.items():
        client.headers["Authorization"] = f"Bearer {who}"
        for place in (f"/api/batches/{batch_id}/jobs/1", f"/api/runs/{run_id}"):
            shown = client.get(place).json()
            assert shown["error"]["message"] == "bad record"
            assert ("Traceback" in str(shown["traceback"])) is is_told, (who, place)


RUN_CALLS = {
    "see": [("get", ""), ("get", "/log"), ("get", "/wait")],
    "hold": [("patch", ""), ("post", "/cancel")],
}


@pytest.mark.parametrize("who", MATRIX)
def test_who_may_do_what_with_a_run(client: Client, fanfold: Fanfold, who: str) -> None:
    sees, holds = MATRIX[who]
    client.headers["Authorization"] = "Bearer own editors"
    people = {"managers": ["max", "group:managing"], "monitors": ["mia", "group:monitoring"]}
    run_id = client.post("/api/runs", json={"flow": "secret", "input": 1, **people}).json()[
        "run_id"
    ]
    work(fanfold.ports, library=fanfold.library)
    client.headers["Authorization"] = f"Bearer {who}"
    for verb, place in RUN_CALLS["see"]:
        answer = getattr(client, verb)(f"/api/runs/{run_id}{place}")
        assert answer.status_code == (200 if sees else 404), (verb, place)
    for verb, place in RUN_CALLS["hold"]:
        answer = getattr(client, verb)(f"/api/runs/{run_id}{place}", json={})
        allowed = (200, 409) if holds else ((403,) if sees else (404,))
        assert answer.status_code in allowed, (verb, place, answer.text)
    listed = [it["run_id"] for it in client.get("/api/runs").json()]
    assert listed == ([run_id] if sees else [])


@pytest.mark.parametrize(
    ("who", "status"), [("ann editors", 201), ("root", 201), ("vic", 403), ("bob", 404)]
)
def test_who_may_start_what(client: Client, who: str, status: int) -> None:
    client.headers["Authorization"] = f"Bearer {who}"
    answer = client.post("/api/batches", json={"flow": "secret", "records": [1]})
    assert answer.status_code == status
    answer = client.post("/api/runs", json={"flow": "secret", "input": 1})
    assert answer.status_code == status


def test_every_call_says_in_its_document_what_it_may_answer(client: Client) -> None:
    document = client.get("/openapi.json").json()
    for path, calls in document["paths"].items():
        for verb, call in calls.items():
            statuses = set(call["responses"])
            assert {"401", "422", "503"} <= statuses, (verb, path)
