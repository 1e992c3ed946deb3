"""The API answers as its OpenAPI document says, whatever it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from httpx import Client
from schemathesis import GenerationMode

from fanfold.domain.ids import run_id_of
from fanfold.testing.working import until, working
from fanfold.wiring import Fanfold
from tests.contract import assert_answers_as_documented

#: who asks may do everything; what matters is what is asked
ADMIN = {"Authorization": "Bearer root"}
#: for each call
EXAMPLES = 20


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
    """Of a batch that is there as of one that is not."""

    def prepared(_: str) -> Callable[[Any, int], None]:
        batch_id = ended(client, fanfold)

        def change(case: Any, asked: int) -> None:
            if "batch_id" in case.path_parameters and asked % 2:
                case.path_parameters["batch_id"] = batch_id
            if "run_id" in case.path_parameters and asked % 2:
                case.path_parameters["run_id"] = run_id_of(batch_id, asked % 4 // 2)
            if isinstance(case.body, dict) and "flow" in case.body and asked % 2:
                case.body["flow"] = "shout"

        return change

    url = f"{client.base_url}/openapi.json"
    assert_answers_as_documented(url, mode, EXAMPLES, ADMIN, prepared)
