"""A repetition is known by the moment at which it comes, whichever window that lies in."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Client

from fanfold.api.globus.repeated import WINDOW
from fanfold.domain.registered import flow_id_of
from fanfold.testing.clock import StillClock

SHOUT = flow_id_of("shout")
PASS = {"StartAt": "a", "States": {"a": {"Type": "Pass", "End": True}}}


@pytest.mark.parametrize("moment", [0.0, WINDOW / 2, WINDOW - 0.5])
@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        (f"/v1/flows/{SHOUT}/run", {"body": {"text": "a"}}, "run_id"),
        ("/v1/flows", {"title": "A", "definition": PASS}, "id"),
    ],
)
def test_a_request_is_repeated_within_the_window_and_another_one_after_it(
    client: Client, clock: StillClock, moment: float, path: str, body: Any, name: str
) -> None:
    clock.pass_(WINDOW - clock.now() % WINDOW + moment)

    def asked() -> str:
        return str(client.post(path, json=body).json()[name])

    first = asked()
    clock.pass_(WINDOW - 1)
    assert asked() == first
    clock.pass_(2)
    assert asked() != first
