"""Calls in bulk: in one request, in order, an error for each item that has one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from fanfold.client import NotFound, ValidationFailed
from fanfold.client.calls import Call
from fanfold.domain.registered import flow_id_of, uuid_named
from fanfold.testing.working import until
from tests.globus.conftest import Service, each_engine
from tests.globus.test_sdk import SAY

NOWHERE = uuid_named("nowhere")
SECRET = flow_id_of("secret")
ITEMS = 1000


def is_odd_one(index: int) -> bool:
    """One in ten: in turn what is unknown, and what one may not do."""
    return index % 10 == 3


def wanted_error(index: int) -> str | None:
    if not is_odd_one(index):
        return None
    return "NOT_FOUND" if index % 20 == 3 else "FORBIDDEN"


@each_engine
def test_a_thousand_runs_are_started_fetched_and_canceled_each_as_is_right_for_it(
    service: Service,
) -> None:
    """A tenth of them unknown or forbidden."""

    def one(index: int) -> dict[str, Any]:
        flow = {"NOT_FOUND": NOWHERE, "FORBIDDEN": SECRET, None: SAY}[wanted_error(index)]
        return {"flow_id": flow, "input": {"echo_string": f"{index}"}, "label": f"Run {index}"}

    with service.client("vic") as vic, service.client() as ann:
        begun = vic.batch_run_flows(one(index) for index in range(ITEMS))
        assert [it.index for it in begun] == list(range(ITEMS))
        assert [it.error_code for it in begun] == [wanted_error(n) for n in range(ITEMS)]
        assert [it.run.label if it.run else None for it in begun] == [
            None if is_odd_one(n) else f"Run {n}" for n in range(ITEMS)
        ]
        ids = [it.run_id for it in begun if it.run_id]
        assert len(set(ids)) == ITEMS * 9 // 10

        # what ann has started herself vic may not know of; what he may look at, he may not hold
        hers = ann.batch_run_flows(
            {"flow_id": SAY, "input": {"echo_string": f"{n}"}, "run_monitors": ["vic"]}
            for n in range(ITEMS // 20)
        )
        lent = iter([it.run_id or "" for it in hers])
        mixed = [
            it.run_id or (NOWHERE if it.error_code == "NOT_FOUND" else next(lent)) for it in begun
        ]
        fetched = vic.batch_get_runs(mixed, concurrency=20)
        assert [it.run_id for it in fetched] == mixed
        assert Counter(it.error_code for it in fetched) == {None: 950, "NOT_FOUND": 50}
        assert all(it.run is None or it.run.run_id == it.run_id for it in fetched)

        canceled = vic.batch_cancel_runs(mixed)
        assert [it.index for it in canceled] == list(range(ITEMS))
        assert [it.error_code for it in canceled] == [wanted_error(n) for n in range(ITEMS)]
        assert {it.run.display_status for it in canceled if it.run} == {"CANCELING"}
        assert canceled[13].error is not None
        assert "may look at" in canceled[13].error.description
        if service.fanfold.settings.engine == "google":
            return  # to close a thousand batches takes an emulator a minute, and shows nothing more
        service.work()
        ended = vic.batch_get_runs(ids)
        assert Counter(it.run.status for it in ended if it.run) == {"CANCELED": 900}


def test_the_whole_request_repeated_starts_each_once_and_two_alike_are_two(
    service: Service,
) -> None:
    run = {"flow_id": SAY, "input": {"echo_string": "a"}}
    with service.client() as client:
        first = client.batch_run_flows([run, run], request_id="mine")
        again = client.batch_run_flows([run, run], request_id="mine")
        other = client.batch_run_flows([run, run])
    ids = [[it.run_id for it in its] for its in (first, again, other)]
    assert ids[0] == ids[1]
    assert len({*ids[0], *ids[2]}) == 4


def test_an_item_that_is_wrong_says_so_and_its_siblings_are_started(service: Service) -> None:
    with service.client() as client:
        items = client.batch_run_flows(
            [
                {"flow_id": SAY, "input": {"echo_string": "a"}},
                {"flow_id": SAY, "input": {"echo_string": 3}},
                {"flow_id": SAY},
                {"flow_id": SAY, "input": {}, "retries": -1},
                {"flow_id": "nonsense", "input": {}},
                {"flow_id": SAY, "input": {"echo_string": "b"}, "label": "x" * 201},
            ]
        )
    assert [it.error_code for it in items] == [
        None,
        "FLOW_INPUT_ERROR",
        "UNPROCESSABLE_ENTITY",
        "UNPROCESSABLE_ENTITY",
        "NOT_FOUND",
        "UNPROCESSABLE_ENTITY",
    ]
    assert items[2].error is not None
    assert items[2].error.description == "body: it is missing: the input of the run, {} for none"


def test_more_than_a_thousand_are_sent_in_several_requests(service: Service) -> None:
    with service.client() as client:
        items = client.batch_get_runs([NOWHERE] * 1001)
        assert [it.index for it in items] == list(range(1001))
        assert client.batch_get_runs([]) == []
    over = Call(verb="POST", path="/v1/runs/batch_get", json={"run_ids": [NOWHERE] * 1001})
    with service.client() as client, pytest.raises(ValidationFailed, match="at most 1000"):
        client.run(client.operations.patience.ask(over))


def test_flows_and_roles_are_fetched_in_bulk(service: Service) -> None:
    with service.client("vic") as client:
        flows = client.batch_get_flows([SAY, NOWHERE, SECRET])
        assert [it.flow["title"] if it.flow else None for it in flows] == [
            *("Say it", None, "secret"),
        ]
        assert [it.error_code for it in flows] == [None, "NOT_FOUND", None]
        listed = client.run(client.operations.get("/v1/action_providers"))
        (provider,) = listed["action_providers"]
        path = f"/v1/action_providers/{provider['id']}/roles"
        roles = client.run(client.operations.get(path))["action_roles"]
        assert [it["name"] for it in roles] == ["roles/datastore.user", "roles/pubsub.publisher"]
        asked = [roles[1]["id"], NOWHERE, roles[0]["id"]]
        found = client.batch_get_action_roles(provider["id"], asked)
        assert [it.role["name"] if it.role else None for it in found] == [
            *("roles/pubsub.publisher", None, "roles/datastore.user"),
        ]
        with pytest.raises(NotFound):
            client.batch_get_action_roles(NOWHERE, asked)


def test_runs_of_a_bulk_call_run(service: Service) -> None:
    with service.client() as client, service.working():
        items = client.batch_run_flows(
            [{"flow_id": SAY, "input": {"echo_string": f"{n}"}} for n in range(30)], concurrency=5
        )
        ids = [it.run_id for it in items if it.run_id]

        def are_over() -> bool:
            return all(it.run and it.run.ended for it in client.batch_get_runs(ids))

        until(are_over)
        outputs = [it.run.output for it in client.batch_get_runs(ids) if it.run]
        assert outputs == [{"said": f"{n}"} for n in range(30)]
