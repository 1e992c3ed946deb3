"""Every document has all the keys that the client's own fixtures have."""

from __future__ import annotations

from typing import Any

import pytest
from globus_sdk import FlowsAPIError, GlobusHTTPResponse
from globus_sdk.testing import ResponseList, get_response_set

from fanfold.domain.registered import flow_id_of
from fanfold.testing.working import until
from tests.globus.conftest import Service
from tests.globus.test_sdk import REPORT, SAY, SCHEMA

#: within these the keys are the flow's own, or its author's
OPAQUE = {"definition", "input_schema", "output", "input", "States", "details.details"}


def fixture(name: str, case: str = "default", index: int = 0) -> Any:
    found = get_response_set(f"flows.{name}").lookup(case)
    return found.responses[index].json if isinstance(found, ResponseList) else found.json


def missing(theirs: Any, ours: Any, place: str = "") -> list[str]:
    """Keys that theirs has and ours has not."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if any(place.endswith(it) for it in OPAQUE):
            return []
        lost = [f"{place}.{key}" for key in theirs.keys() - ours.keys()]
        for key in theirs.keys() & ours.keys():
            lost += missing(theirs[key], ours[key], f"{place}.{key}")
        return lost
    if isinstance(theirs, list) and theirs and isinstance(theirs[0], dict):
        assert ours, f"{place}: nothing to compare"
        return missing(theirs[0], ours[0], f"{place}[]")
    return []


def assert_has_all(
    answer: GlobusHTTPResponse, name: str, case: str = "default", at: int = 0
) -> None:
    assert missing(fixture(name, case, at), answer.data) == []


def test_what_is_missing_is_found() -> None:
    theirs = {"a": [{"b": 1, "c": {"d": 1}}], "output": {"x": 1}}
    assert missing(theirs, {"a": [{"b": 1, "c": {}}], "output": {}}) == [".a[].c.d"]


def test_flows(service: Service) -> None:
    flows = service.flows()
    urn = f"urn:globus:auth:identity:{SAY}"
    flow = flows.create_flow(
        "A flow",
        REPORT,
        SCHEMA,
        flow_viewers=[urn],
        flow_starters=[urn],
        flow_administrators=[urn],
        run_managers=["mia"],
        run_monitors=["mia"],
    )
    assert_has_all(flow, "create_flow")
    assert_has_all(flows.get_flow(flow["id"]), "get_flow")
    assert_has_all(flows.list_flows(), "list_flows")
    assert_has_all(flows.list_flows(), "list_flows", "paginated")
    assert_has_all(flows.update_flow(flow["id"], title="B"), "update_flow")
    assert_has_all(flows.validate_flow(REPORT), "validate_flow")
    assert_has_all(flows.delete_flow(flow["id"]), "delete_flow")
    # of code, too
    assert_has_all(flows.get_flow(SAY), "get_flow")


def test_runs(service: Service) -> None:
    flows, flow = service.flows(), service.flow(SAY)
    said: dict[str, Any] = {"run_managers": ["mia"], "run_monitors": ["mia"], "tags": ["a"]}
    run = flow.run_flow({"echo_string": "a"}, label="Mine", **said)
    assert_has_all(run, "run_flow")
    assert_has_all(flow.resume_run(run["run_id"]), "resume_run")
    assert_has_all(flows.update_run(run["run_id"], label="B"), "update_run")
    assert_has_all(flow.validate_run({"echo_string": "a"}), "validate_run")
    service.work()
    assert_has_all(flows.get_run(run["run_id"]), "get_run")
    with_flow = flows.get_run(run["run_id"], include_flow_description=True)
    assert_has_all(with_flow, "get_run", at=2)
    assert_has_all(flows.get_run_definition(run["run_id"]), "get_run_definition")
    assert_has_all(flows.list_runs(), "list_runs")
    assert_has_all(flows.list_runs(), "list_runs", "paginated")
    assert_has_all(flows.get_run_logs(run["run_id"]), "get_run_logs")
    assert_has_all(flows.get_run_logs(run["run_id"], limit=1), "get_run_logs", "paginated")
    other = flow.run_flow({"echo_string": "b"}, label="Another", **said)
    assert_has_all(flows.cancel_run(other["run_id"]), "cancel_run")
    assert_has_all(flows.delete_run(run["run_id"]), "delete_run")


def test_web_inputs(service: Service) -> None:
    flows = service.flows()
    service.flow(flow_id_of("approve")).run_flow({})
    with service.working():
        until(lambda: list(flows.list_web_inputs()))
        listed = flows.list_web_inputs()
        assert_has_all(listed, "list_web_inputs")
        web_input = flows.get_web_input(listed["web_input_summaries"][0]["id"])
        assert_has_all(web_input, "get_web_input")
        answered = flows.respond_to_web_input(web_input["id"], "yes")
        assert_has_all(answered, "respond_to_web_input")


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("create_flow", "bad_admin_principal_error"),
        ("delete_run", "conflict"),
        ("validate_run", "invalid_input_payload"),
        ("validate_run", "invalid_token"),
        ("validate_run", "not_a_flow_starter"),
        ("validate_flow", "definition_error"),
        ("get_web_input", "not_found"),
    ],
)
def test_errors(service: Service, name: str, case: str) -> None:
    """The statuses, the codes and the keys of each."""
    flows, flow = service.flows(), service.flow(SAY)
    calls: dict[tuple[str, str], Any] = {
        ("create_flow", "bad_admin_principal_error"): lambda: flows.create_flow(
            "A", REPORT, {}, flow_administrators=["urn:globus:nonsense:1", "urn:other"]
        ),
        ("delete_run", "conflict"): lambda: flows.delete_run(
            flow.run_flow({"echo_string": "a"})["run_id"]
        ),
        ("validate_run", "invalid_input_payload"): lambda: flow.validate_run({"echo_string": 3}),
        ("validate_run", "invalid_token"): lambda: service.flow(SAY, "").validate_run({}),
        ("validate_run", "not_a_flow_starter"): lambda: service.flow(
            flow_id_of("secret"), "vic"
        ).validate_run({}),
        ("validate_flow", "definition_error"): lambda: flows.validate_flow(
            {"StartAt": "Step1", "States": {"Step1": {"Type": "Pass"}}}
        ),
        ("get_web_input", "not_found"): lambda: flows.get_web_input(SAY),
    }
    theirs: Any = get_response_set(f"flows.{name}").lookup(case)
    with pytest.raises(FlowsAPIError) as raised:
        calls[name, case]()
    error = raised.value
    body, ours = theirs.json, dict(error.raw_json or {})
    assert (error.http_status, error.code) == (theirs.status, body["error"]["code"])
    assert missing(body, ours) == []
    assert error.messages
    assert all(isinstance(it, str) and it for it in error.messages)
    details = body["error"]["detail"]
    if isinstance(details, list):
        assert {*details[0]} <= {*ours["error"]["detail"][0]}
