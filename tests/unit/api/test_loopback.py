"""Where nobody is asked who they are, only this machine's programs are answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from httpx import Client

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.identity import authenticator
from fanfold.settings import NOBODY_IS_ASKED
from fanfold.wiring import Fanfold


@pytest.fixture
def desk(fanfold: Fanfold) -> Iterator[Client]:
    settings = fanfold.settings.model_copy(update={"auth": NOBODY_IS_ASKED})
    app = create_app(replace(fanfold, settings=settings), authenticator(settings))
    with served(app) as address, Client(base_url=address) as client:
        yield client


def port_of(client: Client) -> str:
    return str(client.base_url.port)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_programs_of_this_machine_are_answered(desk: Client, host: str) -> None:
    headers = {"Host": f"{host}:{port_of(desk)}"}
    assert desk.get("/api/flows", headers=headers).status_code == 200
    headers["Origin"] = f"http://{host}:{port_of(desk)}"
    assert desk.get("/api/flows", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.com"},
        {"Host": "127.0.0.1.evil.example.com:80"},
        {"Host": ""},
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
    ],
)
def test_nobody_else_is_and_nothing_is_started(
    desk: Client, fanfold: Fanfold, headers: dict[str, str]
) -> None:
    answer = desk.post("/api/runs", json={"flow": "shout", "input": 1}, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert "FANFOLD_AUTH is none" in answer.json()["detail"]
    assert fanfold.ports.batches.find() == []


def test_where_somebody_is_asked_anybody_may_knock(client: Client) -> None:
    assert client.get("/api/flows", headers={"Host": "api.example.com"}).status_code == 200
