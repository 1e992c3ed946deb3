"""Globus' own Python client drives every call it has, as it is, on both engines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from globus_sdk import FlowsAPIError, FlowsClient
from globus_sdk.paging import Paginator

from fanfold.domain.registered import flow_id_of
from fanfold.testing.working import until
from tests.globus.conftest import Service, each_engine

SAY = flow_id_of("say")
REPORT: dict[str, Any] = {
    "blueprint": 1,
    "name": "report",
    "nodes": [
        {"id": "shout", "function": "action:shout", "inputs": "record.text"},
        {"id": "split", "function": "action:split"},
        {"id": "count", "function": "action:count"},
    ],
    "edges": [{"source": "shout", "target": "split"}, {"source": "split", "target": "count"}],
}
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def created(flows: FlowsClient, **more: Any) -> dict[str, Any]:
    said = {"title": "Report", "definition": REPORT, "input_schema": SCHEMA, **more}
    found: dict[str, Any] = flows.create_flow(**said).data
    return found


@each_engine
def test_a_flow_is_validated_registered_run_changed_and_removed(service: Service) -> None:
    flows = service.flows()
    assert flows.validate_flow(REPORT, SCHEMA)["scopes"] == {"User": ["words:write"]}

    flow = created(
        flows,
        subtitle="Counts words",
        description="How many words there are",
        keywords=["words", "count"],
        flow_viewers=["public"],
        flow_starters=["all_authenticated_users"],
    )
    assert str(UUID(flow["id"])) == flow["id"]
    assert flow["user_role"] == "flow_owner"
    assert flow["definition"]["StartAt"] == "shout"
    assert flow["definition"]["States"]["count"] == {
        "Type": "Action",
        "ActionUrl": "action:count",
        "End": True,
    }
    assert flows.get_flow(flow["id"]).data == flow
    assert [it["id"] for it in flows.list_flows(filter_fulltext="words")] == [flow["id"]]

    mine = service.flow(flow["id"])
    assert mine.validate_run({"text": "a b"})["message"] == "validation successful"
    run = mine.run_flow({"text": "a b c"}, label="Three", tags=["t"])
    assert (run["status"], run["flow_title"]) == ("ACTIVE", "Report")
    service.work()
    ended = flows.get_run(run["run_id"])
    assert (ended["status"], ended["details"]["output"]) == ("SUCCEEDED", 3)
    nodes = [it for it in flows.get_run_logs(run["run_id"]) if "state_name" in it["details"]]
    assert [it["code"] for it in nodes] == 3 * ["ActionStarted", "ActionCompleted"]
    assert nodes[0]["details"] == {"state_name": "shout", "action_url": "action:shout"}
    assert nodes[-1]["details"] == {"state_name": "count"}

    # a change is for what is started from then on
    nodes = REPORT["nodes"][1:]
    shorter = {
        **REPORT,
        "nodes": [{**nodes[0], "inputs": "record.text"}, nodes[1]],
        "edges": REPORT["edges"][1:],
    }
    changed = flows.update_flow(flow["id"], title="Shorter", definition=shorter, keywords=[])
    assert (changed["title"], changed["keywords"]) == ("Shorter", [])
    assert changed["subtitle"] == "Counts words"
    assert "shout" not in changed["definition"]["States"]
    before = flows.get_run_definition(run["run_id"])
    assert (before["flow_id"], before["input_schema"]) == (flow["id"], SCHEMA)
    assert "shout" in before["definition"]["States"]

    deleted = flows.delete_flow(flow["id"])
    assert deleted["DELETED"] is True
    with pytest.raises(FlowsAPIError) as gone:
        flows.get_flow(flow["id"])
    assert (gone.value.http_status, gone.value.code) == (404, "NOT_FOUND")
    assert flows.get_run(run["run_id"])["status"] == "SUCCEEDED"


@each_engine
def test_a_run_from_its_start_to_its_release(service: Service) -> None:
    flows, flow = service.flows(), service.flow(SAY)
    run = flow.run_flow({"echo_string": "hello"}, label="One", tags=["cool", "my"])
    run_id = run["run_id"]
    assert (run["flow_id"], run["action_id"]) == (SAY, run_id)
    assert run["details"]["details"]["input"] == {"echo_string": "hello"}
    with pytest.raises(FlowsAPIError) as early:
        flows.delete_run(run_id)
    assert (early.value.http_status, early.value.code) == (409, "STATE_CONFLICT")
    service.work()

    ended = flows.get_run(run_id, include_flow_description=True)
    assert (ended["status"], ended["display_status"]) == ("SUCCEEDED", "SUCCEEDED")
    assert ended["details"]["output"] == {"said": "hello"}
    assert ended["flow_description"]["title"] == "Say it"
    assert "flow_description" not in flows.get_run(run_id, include_flow_description=False).data
    assert ended["completion_time"] >= ended["start_time"]

    assert [it["code"] for it in flows.get_run_logs(run_id)] == [
        *("FlowStarting", "FlowStarted", "FlowSucceeded"),
    ]
    latest = flows.get_run_logs(run_id, limit=1, reverse_order=True)
    assert [it["code"] for it in latest] == ["FlowSucceeded"]
    assert flows.get_run_definition(run_id)["definition"]["States"]["say"]["End"] is True

    changed = flows.update_run(run_id, label="Two", tags=["dull"])
    assert (changed["label"], changed["tags"]) == ("Two", ["dull"])
    assert flows.update_run(run_id, run_monitors=["mia"])["run_monitors"] == ["mia"]
    assert flows.get_run(run_id)["label"] == "Two"

    assert flows.delete_run(run_id)["status"] == "SUCCEEDED"
    with pytest.raises(FlowsAPIError, match="no such run"):
        flows.get_run(run_id)
    assert list(flows.list_runs()) == []


@each_engine
def test_runs_are_canceled_and_those_that_are_paused_are_resumed(service: Service) -> None:
    flows, flow = service.flows(), service.flow(SAY)
    run = flow.run_flow({"echo_string": "a"})
    told = flows.cancel_run(run["run_id"])
    assert (told["display_status"], told["details"]["code"]) == ("CANCELING", "FlowCanceling")
    service.work()
    canceled = flows.cancel_run(run["run_id"])  # once more, which changes nothing
    assert (canceled["status"], canceled["details"]["code"]) == ("CANCELED", "FlowCanceled")

    held = flow.run_flow({"echo_string": "b"})
    with service.client() as client:
        batch_id = client.get_run(held["run_id"]).batch_id
        client.pause_batch(batch_id)
    paused = flows.get_run(held["run_id"])
    assert (paused["status"], paused["display_status"]) == ("INACTIVE", "PAUSED")
    assert paused["details"]["description"] == "The run is paused"
    assert flow.resume_run(held["run_id"])["status"] == "ACTIVE"
    service.work()
    assert flows.get_run(held["run_id"])["status"] == "SUCCEEDED"
    with pytest.raises(FlowsAPIError, match="it cannot go on"):
        flow.resume_run(held["run_id"])


@each_engine
def test_a_run_that_waits_for_its_next_attempt_has_it_now(service: Service) -> None:
    flows, flow = service.flows(), service.flow(flow_id_of("patient"))
    run_id = flow.run_flow({})["run_id"]
    with service.working():
        until(lambda: flows.get_run(run_id)["status"] == "INACTIVE")
    assert flow.resume_run(run_id)["status"] == "ACTIVE"
    with service.working():
        until(lambda: flows.get_run(run_id)["status"] == "SUCCEEDED")
    assert flows.get_run(run_id)["details"]["output"] == 2


@each_engine
def test_runs_are_listed_by_every_filter_and_page_by_page(service: Service) -> None:
    flows, flow = service.flows(), service.flow(SAY)
    number = service.flow(flow_id_of("number"))
    said = [flow.run_flow({"echo_string": f"{n}"}, label=f"Run {n}")["run_id"] for n in range(5)]
    other = number.run_flow(3, label="A number", tags=["x", "y"])["run_id"]  # type: ignore[arg-type]
    service.work()
    failed = flow.run_flow({"echo_string": "fail"})["run_id"]
    service.work()

    def ids(**how: Any) -> list[str]:
        return [it["run_id"] for it in flows.list_runs(**how)]

    newest = [failed, other, *reversed(said)]
    assert ids() == newest
    assert ids(filter_flow_id=flow_id_of("number")) == [other]
    assert set(ids(filter_flow_id=[SAY, flow_id_of("number")])) == set(newest)
    assert ids(filter_flow_id=SAY, filter_roles=["run_owner"]) == [failed, *reversed(said)]
    assert ids(filter_roles="run_manager") == []
    # as the command line asks where nothing is to be filtered
    assert ids(filter_flow_id=[], filter_roles=[]) == newest
    for query, wanted in (
        ({"status": "FAILED"}, [failed]),
        ({"status": "failed,active"}, [failed]),
        ({"status": "ACTIVE"}, []),
        ({"label": "run 3"}, [said[3]]),
        ({"q": "number"}, [other]),
        ({"tags": "x,y"}, [other]),
        ({"tags": "x,z"}, []),
        ({"flow_id": flow_id_of("number")}, [other]),
        ({"role_type": "run_owner", "limit": 2}, newest[:2]),
        ({"start_time": "2100-01-01T00:00:00Z"}, []),
        ({"end_time": "2100-01-01T00:00:00Z", "per_page": 1}, newest[:1]),
        ({"limit": 3, "offset": 2}, newest[2:5]),
        ({"orderby": "label ASC", "limit": 2, "status": "SUCCEEDED"}, [other, said[0]]),
        ({"orderby": "label", "order_dir": "DESC", "limit": 1}, [said[4]]),
        ({"orderby": "start_time ASC", "limit": 1}, [said[0]]),
        ({"marker_only": "true"}, []),
    ):
        assert ids(query_params=query) == wanted, query

    first = flows.list_runs(query_params={"limit": 3})
    assert (first["has_next_page"], first["had_more"], first["total"]) == (True, True, 7)
    pages = Paginator.wrap(flows.list_runs)
    assert [it["run_id"] for it in pages(query_params={"limit": 3}).items()] == newest
    ordered = pages(query_params={"limit": 2, "orderby": "label DESC"}).items()
    assert len(list(ordered)) == 7
    logs = Paginator.wrap(flows.get_run_logs)(run_id=failed, limit=1).items()
    assert [it["code"] for it in logs] == ["FlowStarting", "FlowStarted", "FlowFailed"]


@each_engine
def test_flows_are_listed_by_every_filter_in_any_order_and_page_by_page(service: Service) -> None:
    flows = service.flows()
    for title in ("B", "a", "C"):
        created(flows, title=title)

    def titles(**how: Any) -> list[str]:
        return [it["title"] for it in flows.list_flows(**how)]

    assert titles(filter_roles="flow_owner", orderby="title ASC") == ["a", "B", "C"]
    assert titles(filter_roles=["flow_owner"], orderby=["title DESC", "id ASC"]) == ["C", "B", "a"]
    assert titles(filter_roles="flow_owner", orderby="created_at DESC")[0] == "C"
    assert "Say it" in titles(filter_roles="flow_starter")
    assert titles(filter_fulltext="told") == ["Say it"]
    assert titles(query_params={"q": "say", "filter_owner": "olga"}) == ["Say it"]
    assert titles(query_params={"filter_public": "true"}) == []
    assert titles(query_params={"limit": 1, "orderby": "title:DESC", "q": "a"})
    mine = {"filter_roles": "flow_owner", "orderby": "title"}
    pages = Paginator.wrap(flows.list_flows)(**mine, query_params={"per_page": 2})
    assert [[it["title"] for it in page] for page in pages.pages()] == [["a", "B"], ["C"]]


@each_engine
def test_questions_are_web_inputs_and_the_answers_have_the_run_go_on(service: Service) -> None:
    flows, flow = service.flows(), service.flow(flow_id_of("approve"))
    run_id = flow.run_flow({"what": "this"}, label="Mine")["run_id"]
    with service.working():
        until(lambda: flows.get_run(run_id)["status"] == "INACTIVE")
        (summary,) = flows.list_web_inputs(filter_states="open", filter_run_ids=run_id)
        assert (summary["title"], summary["status"]) == ("Approve?", "open")
        assert summary["run"] == {"id": run_id, "label": "Mine"}
        assert summary["user_roles"] == ["viewer", "respondent"]
        (found,) = flows.list_web_inputs(filter_flow_ids=[flow_id_of("approve")])
        assert found == summary
        web_input = flows.get_web_input(summary["id"])
        assert [it["label"] for it in web_input["options"]] == ["yes", "no"]
        with pytest.raises(FlowsAPIError, match="waits for an answer"):
            flow.resume_run(run_id)
        with pytest.raises(FlowsAPIError) as refused:
            flows.respond_to_web_input(summary["id"], "perhaps")
        assert refused.value.http_status == 422
        assert flows.respond_to_web_input(summary["id"], "yes").data == {"status": "ok"}
        assert flows.respond_to_web_input(summary["id"], "yes").data == {"status": "ok"}
        with pytest.raises(FlowsAPIError) as late:
            flows.respond_to_web_input(summary["id"], "no")
        assert late.value.code == "STATE_CONFLICT"

        until(lambda: len(list(flows.list_web_inputs(filter_states="open"))) == 1)
        (second,) = flows.list_web_inputs(filter_states="open")
        assert second["title"] == "Sure?"
        assert flows.get_web_input(summary["id"])["status"] == "closed"
        newest = flows.list_web_inputs(orderby="created_timestamp DESC", per_page=1)
        assert [it["id"] for it in newest] == [second["id"]]
        flows.respond_to_web_input(second["id"], "true")
        until(lambda: flows.get_run(run_id)["status"] == "SUCCEEDED")
    assert flows.get_run(run_id)["details"]["output"] == {"answer": "yes", "sure": True}
    with pytest.raises(FlowsAPIError, match="No Web Input exists"):
        flows.get_web_input(summary["id"])
    log = [it for it in flows.get_run_logs(run_id) if it["code"] == "FlowLog"]
    assert log[0]["details"] == {"level": "info", "fields": {"about": {"what": "this"}}}
