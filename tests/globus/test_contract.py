"""The surface answers as its OpenAPI document says, whatever it is asked, and nothing breaks it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from httpx import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok

from fanfold.domain.ids import question_id_of
from tests.globus.conftest import Service
from tests.globus.test_sdk import SAY, created

#: who asks may do everything; what matters is what is asked
ADMIN = {"Authorization": "Bearer root"}
#: for each call
EXAMPLES = 12
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
ODD: list[Any] = [
    None, True, -1, 1e308, 10**40, "", "x" * 5000, "\x00", "\ud800", [], [[]], {}, {"$ref": "#"},
    "../../etc/passwd", "urn:globus:auth:identity:x", "a/b", ["\ud800"], {"\ud800": "\ud800"},
]  # fmt: skip


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_call_answers_as_its_document_says(service: Service, mode: GenerationMode) -> None:

    schema = schemathesis.openapi.from_url(f"{service.address}/v1/openapi.json")
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        flow = created(service.flows("root"), input_schema={}, subtitle=operation.label)["id"]
        run = service.flow(flow, "root").run_flow({"text": f"{operation.label}"})["run_id"]
        known = {"flow_id": flow, "run_id": run, "web_input_id": question_id_of(run, 1)}

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            for name in known.keys() & case.path_parameters.keys():  # noqa: B023  it is called here
                if asked % 2:
                    case.path_parameters[name] = known[name]  # noqa: B023
            case.call_and_validate(headers=ADMIN, checks=CHECKS)

        with suppress(Unsatisfiable):  # where anything may be asked, nothing is wrong
            ask()
    assert asked > 100


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
