"""What runs ask, over HTTP: listed, answered, and by whom."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Client

from fanfold.testing.working import until, work, working
from fanfold.wiring import Fanfold
from tests.unit.steps.both import ENGINES

each_engine = pytest.mark.parametrize("fanfold", ENGINES, indirect=True)


def asked(client: Client, batch_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/batches/{batch_id}/questions", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def waiting(client: Client, fanfold: Fanfold, batch_id: str, questions: int) -> None:
    with working(fanfold.ports, library=fanfold.library):
        until(lambda: len(asked(client, batch_id)) == questions)


def answered(client: Client, run_id: str, value: Any, **more: Any) -> Any:
    return client.post(f"/api/runs/{run_id}/answer", json={"value": value, **more})


@each_engine
def test_a_run_asks_is_answered_and_goes_on(client: Client, fanfold: Fanfold) -> None:
    run = client.post("/api/runs", json={"flow": "asks", "input": 1}).json()
    waiting(client, fanfold, run["batch_id"], 1)
    shown = client.get(f"/api/runs/{run['run_id']}").json()
    (question,) = shown["questions"]
    assert (shown["status"], question["question"]) == ("waiting", "Really?")
    assert question["answer_schema"] == {"type": "boolean"}
    assert asked(client, run["batch_id"]) == [question]
    log = client.get(f"/api/runs/{run['run_id']}/log").json()
    assert [(it["code"], it["message"]) for it in log[2:]] == [("log", "about to ask")]

    assert answered(client, run["run_id"], True).status_code == 200
    waiting(client, fanfold, run["batch_id"], 1)
    (question,) = asked(client, run["batch_id"])
    assert question["name"] == "many"
    after = answered(client, run["run_id"], 7, question="many").json()
    assert after["question"]["name"] == "many"
    work(fanfold.ports, library=fanfold.library)
    assert client.get(f"/api/runs/{run['run_id']}").json()["output"] == [True, 7]


def test_what_is_wrong_with_an_answer_is_told_and_changes_nothing(
    client: Client, fanfold: Fanfold
) -> None:
    run = client.post("/api/runs", json={"flow": "asks", "input": 1}).json()
    waiting(client, fanfold, run["batch_id"], 1)
    wrong = answered(client, run["run_id"], "maybe")
    assert wrong.status_code == 400
    assert wrong.json()["detail"] == '\'Really?\': "maybe" is not of type "boolean"'
    unknown = answered(client, run["run_id"], True, question="Who?")
    assert unknown.status_code == 404
    assert "there are: 'Really?'" in unknown.json()["detail"]
    assert len(asked(client, run["batch_id"])) == 1


def test_the_first_answer_counts_and_the_same_again_changes_nothing(
    client: Client, fanfold: Fanfold
) -> None:
    run = client.post("/api/runs", json={"flow": "asks", "input": 1}).json()
    waiting(client, fanfold, run["batch_id"], 1)
    for _ in range(2):
        assert answered(client, run["run_id"], True, question="Really?").status_code == 200
    other = answered(client, run["run_id"], False, question="Really?")
    assert other.status_code == 409
    assert "was answered already, by ann" in other.json()["detail"]


def test_who_may_not_hold_a_run_may_not_answer_it(client: Client, fanfold: Fanfold) -> None:
    run = client.post(
        "/api/runs", json={"flow": "asks", "input": 1, "monitors": ["mo"], "managers": ["max"]}
    ).json()
    waiting(client, fanfold, run["batch_id"], 1)
    path = f"/api/runs/{run['run_id']}/answer"

    def by(who: str) -> int:
        body = {"value": True, "question": "Really?"}
        headers = {"Authorization": f"Bearer {who}"}
        return client.post(path, json=body, headers=headers).status_code

    assert [by("bob"), by("mo"), by("max")] == [404, 403, 200]


def test_a_run_that_asks_nothing_cannot_be_answered(client: Client) -> None:
    run = client.post("/api/runs", json={"flow": "shout", "input": {"text": "a"}}).json()
    assert answered(client, run["run_id"], 1).status_code == 404


def test_a_run_may_be_told_that_nobody_is_there(client: Client, fanfold: Fanfold) -> None:
    run = client.post("/api/runs", json={"flow": "asks", "input": 1, "interactive": False}).json()
    work(fanfold.ports, library=fanfold.library)
    error = client.get(f"/api/runs/{run['run_id']}").json()["error"]
    assert error["type"] == "NobodyToAsk"
    assert "its batch is not interactive" in error["message"]


def test_a_batch_asks_only_if_it_is_interactive(client: Client, fanfold: Fanfold) -> None:
    body = {"flow": "asks", "records": [1, 2], "shuffle": False}
    silent = client.post("/api/batches", json=body).json()["batch_id"]
    asking = client.post("/api/batches", json={**body, "interactive": True}).json()
    assert asking["options"]["interactive"] is True
    waiting(client, fanfold, asking["batch_id"], 2)
    assert client.get(f"/api/batches/{silent}").json()["counts"]["failed"] == 2
    assert len(asked(client, asking["batch_id"], limit=1)) == 1


@each_engine
def test_items_ask_too_and_their_batches_are_found_from_above(
    client: Client, fanfold: Fanfold
) -> None:
    body = {"flow": "both", "records": [["a", "b"]], "interactive": True}
    batch_id = client.post("/api/batches", json=body).json()["batch_id"]
    waiting(client, fanfold, batch_id, 2)
    (child,) = client.get("/api/batches", params={"parent": batch_id}).json()
    assert [it["batch_id"] for it in client.get("/api/batches").json()] == [batch_id]
    assert (child["flow"], child["counts"]["waiting"]) == ("both/ask", 2)
    parent = client.get(f"/api/runs/{child['parent_run']}").json()
    assert (parent["batch_id"], parent["children"]) == (batch_id, [child["batch_id"]])
    for it in asked(client, batch_id):
        assert it["batch_id"] == child["batch_id"]
        assert answered(client, it["run_id"], it["question"]).status_code == 200
    work(fanfold.ports, library=fanfold.library)
    (result,) = client.get(f"/api/batches/{batch_id}/results").text.splitlines()
    assert '"output":["Is a fine?","Is b fine?"]' in result
