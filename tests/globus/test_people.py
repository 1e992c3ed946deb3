"""Who may see, start, change and look after what, in the clients' own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from globus_sdk import FlowsAPIError
from httpx import Client

from fanfold.domain.people import uuid_of
from fanfold.domain.registered import flow_id_of
from tests.globus.conftest import Service
from tests.globus.test_sdk import REPORT, SAY, SCHEMA, created

IDENTITY = "urn:globus:auth:identity:"
GROUP = "3f0c9c3e-6c0b-4d4e-9b1c-2b8f4f7f9a10"


def refused(call: Callable[[], Any]) -> tuple[int, str | None]:
    with pytest.raises(FlowsAPIError) as raised:
        call()
    return raised.value.http_status, raised.value.code


def test_a_flow_is_its_owner_s_alone_unless_others_are_named(service: Service) -> None:
    flow = created(service.flows())
    bob = service.flows("bob")
    for call in (
        lambda: bob.get_flow(flow["id"]),
        lambda: bob.update_flow(flow["id"], title="mine"),
        lambda: bob.delete_flow(flow["id"]),
        lambda: service.flow(flow["id"], "bob").run_flow({"text": "a"}),
    ):
        assert refused(call) == (404, "NOT_FOUND")
    assert flow["id"] not in [it["id"] for it in bob.list_flows()]


@pytest.mark.parametrize(
    ("role", "may_start", "may_edit"),
    [
        ("flow_viewers", False, False),
        ("flow_starters", True, False),
        ("flow_administrators", True, True),
    ],
)
@pytest.mark.parametrize("bob", ["bob", f"{IDENTITY}{uuid_of('bob')}", "group:staff"])
def test_each_role_of_a_flow_is_given_in_any_words(
    service: Service, role: str, bob: str, *, may_start: bool, may_edit: bool
) -> None:
    flow = created(service.flows(), **{role: [bob]})
    who = "bob,staff"
    flows = service.flows(who)
    wanted = role.replace("viewers", "viewer").replace("starters", "starter")
    assert flows.get_flow(flow["id"])["user_role"] == wanted.replace(
        "administrators", "administrator"
    )

    def start() -> Any:
        return service.flow(flow["id"], who).run_flow({"text": "a"})

    def edit() -> Any:
        return flows.update_flow(flow["id"], title="B")

    def remove() -> Any:
        return flows.delete_flow(flow["id"])

    for call, may in ((start, may_start), (edit, may_edit)):
        if may:
            call()
        else:
            assert refused(call) == (403, "FORBIDDEN")
    assert flows.get_flow(flow["id"])[role] == [bob]
    if may_edit:
        remove()
    else:
        assert refused(remove) == (403, "FORBIDDEN")


def test_everybody_is_public_as_a_viewer_and_all_authenticated_users_as_a_starter(
    service: Service,
) -> None:
    flow = created(
        service.flows(), flow_viewers=["public"], flow_starters=["all_authenticated_users"]
    )
    assert (flow["flow_viewers"], flow["public"]) == (["public"], True)
    assert flow["flow_starters"] == ["all_authenticated_users"]
    service.flow(flow["id"], "bob").run_flow({"text": "a"})


def test_whoever_is_told_by_a_urn_is_shown_by_it_again(service: Service) -> None:
    me, group = f"{IDENTITY}{uuid_of('ann')}", f"urn:globus:groups:id:{GROUP}"
    flow = created(service.flows(), run_managers=[me, group, "mia"])
    assert flow["run_managers"] == [me, group, "mia"]
    assert flow["flow_owner"] == me
    run = service.flow(flow["id"]).run_flow({"text": "a"})
    mia = service.flows(f"mia,{GROUP}")
    assert mia.get_run(run["run_id"])["user_role"] == "flow_run_manager"
    assert mia.cancel_run(run["run_id"])["run_owner"] == me
    listed = service.flows(f"zoe,{GROUP}").list_runs(filter_roles="flow_run_manager")
    assert [it["run_id"] for it in listed] == [run["run_id"]]


def test_a_run_is_seen_by_its_monitors_and_held_by_its_managers(service: Service) -> None:
    run = service.flow(SAY).run_flow(
        {"echo_string": "a"}, run_monitors=["mia"], run_managers=[f"urn:globus:groups:id:{GROUP}"]
    )
    run_id, bob, mia = run["run_id"], service.flows("bob"), service.flows("mia")
    assert refused(lambda: bob.get_run(run_id)) == (404, "NOT_FOUND")
    assert list(bob.list_runs()) == []
    assert mia.get_run(run_id)["user_role"] == "run_monitor"
    assert [it["run_id"] for it in mia.list_runs(filter_roles="run_monitor")] == [run_id]
    for call in (
        lambda: mia.cancel_run(run_id),
        lambda: mia.update_run(run_id, label="x"),
        lambda: mia.delete_run(run_id),
        lambda: service.flow(SAY, "mia").resume_run(run_id),
    ):
        assert refused(call) == (403, "FORBIDDEN")
    grouped = service.flows(f"zoe,{GROUP}")
    assert grouped.update_run(run_id, label="x", run_monitors=[])["label"] == "x"
    assert refused(lambda: mia.get_run(run_id)) == (404, "NOT_FOUND")


def test_who_runs_the_deployment_may_do_all_of_it(service: Service) -> None:
    flow = created(service.flows())
    run = service.flow(flow["id"]).run_flow({"text": "a"})
    root = service.flows("root")
    assert root.get_flow(flow["id"])["user_role"] == "flow_administrator"
    assert root.get_run(run["run_id"])["user_role"] == "run_manager"
    root.update_flow(flow["id"], title="Theirs")
    root.cancel_run(run["run_id"])
    assert root.delete_flow(flow["id"])["DELETED"] is True


def test_an_administrator_may_make_it_his_own_and_nobody_else_s(service: Service) -> None:
    flow = created(service.flows(), flow_administrators=["bob"])
    bob = service.flows("bob")
    assert refused(lambda: bob.update_flow(flow["id"], flow_owner="zoe")) == (403, "FORBIDDEN")
    urn = f"{IDENTITY}{uuid_of('bob')}"
    assert bob.update_flow(flow["id"], flow_owner=urn)["flow_owner"] == urn
    assert refused(lambda: service.flows().get_flow(flow["id"])) == (404, "NOT_FOUND")


def test_what_is_code_is_changed_with_its_code(service: Service) -> None:
    for call in (
        lambda: service.flows("root").update_flow(SAY, title="x"),
        lambda: service.flows().delete_flow(SAY),
    ):
        assert refused(call) == (409, "STATE_CONFLICT")


def test_an_action_is_used_by_those_who_may_start_it_and_unknown_to_others(
    service: Service,
) -> None:
    definition = {**REPORT, "nodes": [{"id": "a", "function": "action:send"}], "edges": []}
    for who in ("ann", "vic,editors"):
        with pytest.raises(FlowsAPIError, match="there is no action 'send' here"):
            service.flows(who).validate_flow(definition)
    assert service.flows("root").validate_flow(definition)["scopes"] == {"User": []}


def test_a_registered_flow_is_used_at_every_face(service: Service) -> None:
    name = created(service.flows(), input_schema=SCHEMA)["name"]
    with service.client() as client:
        batch = client.create_batch(name, [{"text": "a b"}, {"text": "c"}], shuffle=False)
        service.work()
        outputs = [it.output for it in client.iter_results(batch.batch_id)]
        assert outputs == [2, 1]
        shown = client.run(client.operations.get(f"/api/flows/{name}"))
        assert [it["action"] for it in shown["graph"]["nodes"]] == ["shout", "split", "count"]
    with service.client("bob") as client, pytest.raises(Exception, match="no such flow"):
        client.create_batch(name, [{"text": "a"}])


def test_records_are_held_against_the_schema_before_anything_is_stored(service: Service) -> None:
    name = created(service.flows())["name"]
    with service.client() as client:
        with pytest.raises(Exception, match="is not of type"):
            client.create_batch(name, [{"text": "a"}, {"text": 3}])
        assert client.list_batches() == []


def test_one_whose_action_is_gone_is_shown_and_cannot_be_started(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = created(service.flows())
    library = service.fanfold.library
    monkeypatch.setattr(library, "actions", list)
    monkeypatch.setattr(library, "_resolved", {})
    assert service.flows().get_flow(flow["id"])["definition"]["blueprint"]["name"] == flow["name"]
    with pytest.raises(FlowsAPIError, match="no such flow"):
        service.flow(flow["id"]).run_flow({"text": "a"})
    assert flow_id_of(flow["name"]) == flow["id"]


def test_making_a_flow_public_keeps_those_who_were_named(service: Service) -> None:
    flow = created(service.flows(), flow_viewers=["bob"])
    with Client(base_url=f"{service.address}/v1", headers={"Authorization": "Bearer ann"}) as http:
        for said in ({"title": "B", "public": True}, {"public": True}):
            shown = http.put(f"/flows/{flow['id']}", json=said).json()
            assert set(shown["flow_viewers"]) == {"bob", "public"}
        shown = http.put(f"/flows/{flow['id']}", json={"title": "C", "public": False}).json()
        assert shown["flow_viewers"] == ["bob"]


def test_flows_are_found_by_their_owner_in_any_words(service: Service) -> None:
    flow = created(service.flows())
    for owner in ("ann", flow["flow_owner"]):
        found = service.flows().list_flows(query_params={"filter_owner": owner})
        assert [it["id"] for it in found] == [flow["id"]]
    with pytest.raises(FlowsAPIError, match="Unrecognized principal") as wrong:
        service.flows().list_flows(query_params={"filter_owner": "urn:x"})
    assert wrong.value.http_status == 422
