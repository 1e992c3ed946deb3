"""The API answers as its OpenAPI document says, whatever it is asked."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from httpx import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.core.result import Ok

from fanfold.domain.ids import run_id_of
from fanfold.testing.working import until, working
from fanfold.wiring import Fanfold

#: who asks may do everything; what matters is what is asked
ADMIN = {"Authorization": "Bearer root"}
#: for each call
EXAMPLES = 30
#: not whether all is taken that the document allows: a seed without a shuffle is refused
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


def ended(client: Client, fanfold: Fanfold) -> str:
    records = [{"id": "a", "text": "ah"}, {"id": "b", "bad": True}]
    answer = client.post("/api/batches", json={"flow": "shout", "records": records}, headers=ADMIN)
    batch_id = str(answer.json()["id"])
    with working(fanfold.ports, library=fanfold.library):  # what else was started may take long
        until(lambda: fanfold.ports.batches.get(batch_id).ended)
    return batch_id


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_call_answers_as_its_document_says(
    client: Client, fanfold: Fanfold, mode: GenerationMode
) -> None:
    """No unexpected error, no status and no shape that is not in the document; of a batch that is
    there as of one that is not."""
    schema = schemathesis.openapi.from_url(f"{client.base_url}/openapi.json")
    asked = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation, batch_id = found.ok(), ended(client, fanfold)

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
            if "batch_id" in case.path_parameters and asked % 2:
                case.path_parameters["batch_id"] = batch_id  # noqa: B023  it is called here
            if "run_id" in case.path_parameters and asked % 2:
                case.path_parameters["run_id"] = run_id_of(batch_id, asked % 4 // 2)  # noqa: B023
            if isinstance(case.body, dict) and "flow" in case.body and asked % 2:
                case.body["flow"] = "shout"
            case.call_and_validate(headers=ADMIN, checks=CHECKS)

        with suppress(Unsatisfiable):  # where anything may be asked, nothing is wrong
            ask()
    assert asked > 100
