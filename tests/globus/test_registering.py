"""Flows that come over the network: what they may be, and where they run."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from globus_sdk import FlowsAPIError

from fanfold.domain.registered import MAX_BYTES
from tests.globus.conftest import FLOWS, Service
from tests.globus.test_sdk import REPORT, created


def nested(levels: int) -> Any:
    it: Any = {}
    for _ in range(levels):
        it = {"a": it}
    return it


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"definition": {}}, ["definition", "States"]),
        ({"definition": {"blueprint": 2}}, ["definition"]),
        (
            {"definition": {**REPORT, "nodes": [{"id": "a", "function": "os:system"}]}},
            ["definition"],
        ),
        ({"definition": {**REPORT, "edges": [{"source": "a", "target": "b"}]}}, ["definition"]),
        ({"definition": nested(40)}, ["definition"]),
        ({"definition": {**REPORT, "description": "x" * MAX_BYTES}}, ["definition"]),
        ({"input_schema": {"type": "nonsense"}}, ["input_schema"]),
        ({"input_schema": {"$ref": "file:///etc/passwd"}}, ["input_schema"]),
        ({"input_schema": nested(40)}, ["input_schema"]),
        ({"title": ""}, ["title"]),
        ({"keywords": [""]}, ["keywords", "0"]),
    ],
)
def test_what_cannot_be_one_is_refused_with_its_place(
    service: Service, said: dict[str, Any], place: list[str]
) -> None:
    with pytest.raises(FlowsAPIError) as refused:
        created(service.flows(), **said)
    assert (refused.value.http_status, refused.value.code) == (422, "UNPROCESSABLE_ENTITY")
    body: Any = refused.value.raw_json
    assert body["error"]["detail"][0]["loc"] == place
    assert list(service.flows().list_flows(filter_roles="flow_owner")) == []


def test_what_was_shown_may_be_sent_back(service: Service) -> None:
    flows = service.flows()
    flow = created(flows)
    same = flows.update_flow(flow["id"], definition=flow["definition"])
    assert same["definition"] == flow["definition"]
    states = {"count": {**flow["definition"]["States"]["count"], "ActionUrl": "action:shout"}}
    changed = {**flow["definition"], "States": {**flow["definition"]["States"], **states}}
    with pytest.raises(FlowsAPIError, match="its States are not those of its blueprint"):
        flows.update_flow(flow["id"], definition=changed)


def test_only_what_is_named_changes(service: Service) -> None:
    flows = service.flows()
    flow = created(flows, subtitle="a", keywords=["b"], run_monitors=["mia"])
    changed = flows.update_flow(flow["id"], title="B", description="c").data
    assert changed.pop("updated_at") > flow.pop("updated_at")
    assert changed.pop("definition")["blueprint"].pop("title") == "B"
    flow.pop("definition")
    assert changed == {**flow, "title": "B", "description": "c"}


def test_two_with_one_title_are_two(service: Service) -> None:
    one = created(service.flows(), description="a")
    other = created(service.flows(), description="b")
    assert one["id"] != other["id"]
    assert one["name"] != other["name"]
    assert one["name"].startswith("report-")


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_it_runs_in_processes_that_have_never_heard_of_it(service: Service, isolation: str) -> None:
    flow = created(service.flows(), definition={**REPORT, "isolation": isolation})
    run = service.flow(flow["id"]).run_flow({"text": "a b c"})
    service.flows().delete_flow(flow["id"])
    settings = service.fanfold.settings.environment()
    worker = [sys.executable, "-m", "fanfold.cli.main", "worker", "--until-idle"]
    subprocess.run(worker, env={**settings, "FANFOLD_FLOWS": str(FLOWS)}, check=True)
    ended = service.flows().get_run(run["run_id"])
    assert (ended["status"], ended["details"]["output"]) == ("SUCCEEDED", 3)


def test_one_that_is_scattered_has_its_items_run_apart(service: Service) -> None:
    nodes = [
        {"id": "split", "function": "action:split"},
        {"id": "loud", "function": "action:shout", "scatter": {"distributed": True}},
    ]
    edges = [{"source": "split", "target": "loud", "when": "len(output) > 0"}]
    flow = created(
        service.flows(),
        definition={"blueprint": 1, "name": "x", "nodes": nodes, "edges": edges},
        input_schema={},
    )
    run_id = service.flow(flow["id"]).run_flow("a b c")["run_id"]  # type: ignore[arg-type]
    service.work()
    assert service.flows().get_run(run_id)["details"]["output"] == ["A", "B", "C"]
