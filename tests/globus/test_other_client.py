"""The Go client's words: its paths, its names, and what it can read. It is not run itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Client

from fanfold.domain.registered import flow_id_of, uuid_named
from tests.globus.conftest import Service
from tests.globus.test_sdk import SAY

NUMBER = flow_id_of("number")


@pytest.fixture
def http(service: Service) -> Iterator[Client]:
    url, headers = f"{service.address}/v1", {"Authorization": "Bearer ann"}
    with Client(base_url=url, headers=headers, timeout=60) as client:
        yield client


def test_a_run_is_started_with_its_flow_in_the_body(service: Service, http: Client) -> None:
    request = {
        "flow_id": SAY,
        "input": {"echo_string": "a"},
        "label": "Mine",
        "run_managing_by": ["mia"],
        "run_managing_groups": ["staff"],
        "run_monitoring_by": ["max"],
        "run_monitoring_groups": ["guests"],
        "flow_scope": "passed over",
    }
    answer = http.post("/runs", json=request)
    run = answer.json()
    assert (answer.status_code, run["flow_id"], run["label"]) == (201, SAY, "Mine")
    assert (run["run_managers"], run["managing_by"]) == (["mia", "group:staff"], ["mia"])
    assert (run["managing_groups"], run["monitoring_groups"]) == (["staff"], ["guests"])
    assert run["monitoring_by"] == ["max"]
    assert "started_at" not in run
    service.work()
    ended = http.get(f"/runs/{run['run_id']}").json()
    assert (ended["input"], ended["output"]) == ({"echo_string": "a"}, {"said": "a"})
    assert ended["run_owner_string"] == ended["created_by_string"] == "ann"
    assert ended["created_at"] <= ended["started_at"] <= ended["completed_at"]
    changed = http.patch(f"/runs/{run['run_id']}", json={"tags": ["x"]}).json()
    assert (changed["tags"], changed["label"]) == (["x"], "Mine")


def test_what_is_no_object_stands_in_one(service: Service, http: Client) -> None:
    run_id = http.post("/runs", json={"flow_id": NUMBER, "input": 3}).json()["run_id"]
    service.work()
    run = http.get(f"/runs/{run_id}").json()
    assert (run["input"], run["output"]) == ({"value": 3}, {"value": 3})
    assert run["details"]["output"] == 3


def test_a_run_that_fails_says_why(service: Service, http: Client) -> None:
    body = {"flow_id": SAY, "input": {"echo_string": "fail"}}
    run_id = http.post("/runs", json=body).json()["run_id"]
    service.work()
    run = http.get(f"/runs/{run_id}").json()
    assert run["run_error"] == {"code": "Permanent", "description": "told to fail"}
    assert run["details"]["description"] == "The run has failed: told to fail"
    failed = http.get(f"/runs/{run_id}/log").json()["log_entries"][-1]
    assert (failed["code"], failed["run_id"]) == ("FlowFailed", run_id)


def test_the_log_tells_of_each_state(service: Service, http: Client) -> None:
    states = {
        "a": {"Type": "Pass", "Next": "b"},
        "b": {"Type": "Action", "ActionUrl": "action:split", "End": True},
    }
    body = {"title": "A", "definition": {"StartAt": "a", "States": states}}
    flow = http.post("/flows", json=body).json()
    run = http.post("/runs", json={"flow_id": flow["id"], "input": {}}).json()
    service.work()
    log = http.get(f"/runs/{run['run_id']}/log").json()["entries"]
    assert [it["code"] for it in log] == [
        "FlowStarting", "FlowStarted", "PassStarted", "PassCompleted", "ActionStarted",
        "ActionFailed", "FlowFailed",
    ]  # fmt: skip
    assert log[5]["details"]["state_name"] == "b"
    assert log[5]["description"].startswith("b failed: ")
    assert log[5]["details"]["error"] in log[5]["description"]


def test_lists_are_paged_by_offset(http: Client) -> None:
    for n in range(5):
        http.post("/runs", json={"flow_id": NUMBER, "input": n})
    seen: list[Any] = []
    for offset in (0, 2, 4):
        page = http.get("/runs", params={"limit": 2, "offset": offset}).json()
        assert (page["offset"], page["limit"], page["total"]) == (offset, 2, 5)
        assert page["had_more"] is page["has_next_page"] is (offset < 4)
        seen += [it["input"]["value"] for it in page["runs"]]
    assert seen == [4, 3, 2, 1, 0]
    run_id = http.get("/runs").json()["runs"][0]["run_id"]
    log = http.get(f"/runs/{run_id}/log", params={"limit": 1}).json()
    assert (log["total"], log["had_more"]) == (1, False)


def test_a_flow_is_made_public_and_private_again(http: Client) -> None:
    definition = {"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}
    flow = http.post("/flows", json={"title": "A", "definition": definition, "public": True}).json()
    assert (flow["public"], flow["definition"]) == (True, definition)
    assert http.get(flow["flow_url"]).json() == flow
    changed = http.put(f"/flows/{flow['id']}", json={"public": False}).json()
    assert (changed["public"], changed["flow_viewers"]) == (False, [])


def test_action_providers_and_the_roles_that_they_need(http: Client) -> None:
    listed = http.get("/action_providers", params={"orderby": "display_name DESC"}).json()
    assert [it["display_name"] for it in listed["action_providers"]] == ["words"]
    assert (listed["total"], listed["had_more"]) == (1, False)
    (provider,) = listed["action_providers"]
    assert (provider["scopes"], provider["actions"]) == (
        ["words:write"],
        ["count", "shout", "split"],
    )
    assert http.get(f"/action_providers/{provider['id']}").json() == provider
    assert http.get("/action_providers", params={"q": "mail"}).json()["action_providers"] == []
    path = f"/action_providers/{provider['id']}/roles"
    roles = http.get(path, params={"limit": 1}).json()
    assert (roles["total"], roles["had_more"]) == (2, True)
    (role,) = roles["action_roles"]
    assert role["action_fields"] == {"actions": ["split"]}
    assert http.get(f"{path}/{role['id']}").json() == role
    for lost in (path.replace(provider["id"], uuid_named("x")), f"{path}/nothing"):
        answer = http.get(lost)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("offset=-1", "offset"),
        ("orderby=nonsense", "orderby"),
        ("orderby=label+UP", "orderby"),
        ("order_dir=UP", "order_dir"),
        ("status=odd", "status"),
        ("filter_roles=flow_owner", "filter_roles"),
        ("orderby=label&marker=x", "marker"),
        ("start_time=yesterday", "start_time"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(http: Client, query: str, told: str) -> None:
    answer = http.get(f"/runs?{query}")
    assert answer.status_code == 422
    error = answer.json()
    assert (error["code"], error["error"]["code"]) == ("UNPROCESSABLE_ENTITY",) * 2
    assert error["error"]["detail"][0]["loc"] == [told]
    assert error["message"].startswith(told)


def test_every_error_has_the_words_of_both_clients(http: Client) -> None:
    for answer in (
        http.get("/runs/nothing"),
        http.get("/nowhere"),
        http.delete("/runs"),
        http.post("/runs", content=b"{"),
        http.get("/runs", headers={"Authorization": "Basic x"}),
        http.post("/flows", json={"title": "", "definition": []}),
    ):
        error = answer.json()
        assert {"error", "code", "message", "errors", "debug_id"} <= error.keys()
        assert error["code"] == error["error"]["code"] == error["errors"][0]["code"]
        assert error["message"]
    assert http.get("/runs", headers={"Authorization": "x"}).headers["WWW-Authenticate"] == "Bearer"
