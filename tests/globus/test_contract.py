"""The surface answers as its OpenAPI document says, whatever it is asked, and nothing breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from httpx import Client
from schemathesis import GenerationMode

from fanfold.domain.ids import question_id_of
from tests.contract import assert_answers_as_documented
from tests.globus.conftest import Service
from tests.globus.test_sdk import SAY, created

#: who asks may do everything; what matters is what is asked
ADMIN = {"Authorization": "Bearer root"}
#: for each call
EXAMPLES = 12
ODD: list[Any] = [
    None, True, -1, 1e308, 10**40, "", "x" * 5000, "\x00", "\ud800", [], [[]], {}, {"$ref": "#"},
    "../../etc/passwd", "urn:globus:auth:identity:x", "a/b", ["\ud800"], {"\ud800": "\ud800"},
]  # fmt: skip


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_call_answers_as_its_document_says(service: Service, mode: GenerationMode) -> None:
    """Of a flow and a run that are there as of ones that are not."""

    def prepared(call: str) -> Callable[[Any, int], None]:
        flow = created(service.flows("root"), input_schema={}, subtitle=call)["id"]
        run = service.flow(flow, "root").run_flow({"text": call})["run_id"]
        known = {"flow_id": flow, "run_id": run, "web_input_id": question_id_of(run, 1)}

        def change(case: Any, asked: int) -> None:
            for name in known.keys() & case.path_parameters.keys():
                if asked % 2:
                    case.path_parameters[name] = known[name]

        return change

    url = f"{service.address}/v1/openapi.json"
    assert_answers_as_documented(url, mode, EXAMPLES, ADMIN, prepared)


@pytest.fixture
def http(service: Service) -> Iterator[Client]:
    with Client(base_url=f"{service.address}/v1", headers=ADMIN, timeout=60) as client:
        yield client


def odd_bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    definition = {"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}
    flow = {"title": "A", "definition": definition, "input_schema": {}, "flow_viewers": []}
    flow |= {"keywords": [], "description": "d"}
    run = {
        "flow_id": SAY,
        "input": {"echo_string": "a"},
        "label": "l",
        "tags": [],
        "parameters": {},
    }
    run |= {"run_managers": [], "request_id": "r", "priority": "low"}
    for path, good in (("/flows", flow), ("/runs", run), ("/runs/batch", {"runs": [run]})):
        for name in good:
            for odd in ODD:
                yield path, {**good, name: odd}
    for odd in ODD:
        yield "/runs/batch", {"runs": [odd, run]}
        yield "/runs/batch_get", {"run_ids": [odd]}
        yield "/flows/batch_get", {"flow_ids": [odd]}


def test_nothing_odd_breaks_it(http: Client) -> None:
    broken = []
    for path, body in odd_bodies():
        answer = http.post(path, content=json.dumps(body))
        items = answer.json().get("results", []) if answer.status_code < 400 else []
        codes = [(it.get("error") or {}).get("code") for it in items]
        if answer.status_code >= 500 or "INTERNAL_ERROR" in codes:
            broken.append((path, body))
    assert broken == []
