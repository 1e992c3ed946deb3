"""Functions with FANFOLD_PUSH_ACCOUNT: what that account pushes is handled, and nothing else."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from starlette.requests import Request as Starlette
from starlette.types import Message
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request as Werkzeug

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.errors import SettingsInvalid
from fanfold.ports import Ports, Station
from fanfold.serving import Serving
from fanfold.settings import Settings
from fanfold.testing.issuer import Issuer, running_issuer

ACCOUNT = "push@project.iam.gserviceaccount.com"
Ask = Callable[[str | None], int]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    with embedded_engine(tmp_path) as ports:
        yield ports


def serving(ports: Ports, issuer: Issuer) -> Serving:
    class Open(AbstractContextManager[Ports]):
        def __init__(self, _: Settings) -> None: ...

        def __enter__(self) -> Ports:
            return ports

        def __exit__(self, *_: object) -> None: ...

    return Serving(Open, issuer.url)


def pushed(serving: Serving, station: Station, authorization: str | None) -> tuple[str, int]:
    """What is no envelope is seen in the dead letters, once it is handled."""
    headers = {} if authorization is None else {"Authorization": authorization}
    if station is not Station.RUNS:
        built = EnvironBuilder(
            method="POST", headers=[*headers.items()], input_stream=io.BytesIO(b"scrap")
        )
        return serving.serve(station, Werkzeug(built.get_environ()))

    async def receive() -> Message:
        return {"type": "http.request", "body": b"scrap", "more_body": False}

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    request = Starlette({"type": "http", "method": "POST", "headers": raw}, receive)
    return asyncio.run(serving.serve_run(request))


def handled(ports: Ports) -> int:
    return len(ports.queue.pull(Station.DEAD_LETTERS, 100))


STATIONS = [Station.FAN_OUT, Station.RUNS]


@pytest.mark.parametrize("station", STATIONS)
def test_what_the_account_pushes_is_handled(
    monkeypatch: pytest.MonkeyPatch, ports: Ports, issuer: Issuer, station: Station
) -> None:
    monkeypatch.setenv("FANFOLD_PUSH_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("FANFOLD_PUSH_AUDIENCE", "functions")
    token = issuer.token(aud="functions", email=ACCOUNT)
    assert pushed(serving(ports, issuer), station, f"Bearer {token}") == ("", 204)
    assert handled(ports) == 1


OTHERS: dict[str, Callable[[Issuer], str | None]] = {
    "nobody": lambda _: None,
    "another account": lambda it: f"Bearer {it.token(aud='functions', email='a@x.org')}",
    "not verified": lambda it: (
        f"Bearer {it.token(aud='functions', email=ACCOUNT, email_verified=False)}"
    ),
    "its name as a subject": lambda it: f"Bearer {it.token(aud='functions', sub=ACCOUNT)}",
    "another audience": lambda it: f"Bearer {it.token(aud='other', email=ACCOUNT)}",
    "another issuer": lambda it: (
        f"Bearer {it.token(aud='functions', email=ACCOUNT, iss='https://x.org')}"
    ),
}


@pytest.mark.parametrize("station", STATIONS)
@pytest.mark.parametrize("other", OTHERS)
def test_what_others_push_is_refused_without_a_word(
    monkeypatch: pytest.MonkeyPatch, ports: Ports, issuer: Issuer, station: Station, other: str
) -> None:
    monkeypatch.setenv("FANFOLD_PUSH_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("FANFOLD_PUSH_AUDIENCE", "functions")
    assert pushed(serving(ports, issuer), station, OTHERS[other](issuer)) == ("", 401)
    assert handled(ports) == 0


@pytest.mark.parametrize("station", STATIONS)
def test_while_google_is_silent_a_push_comes_again(
    monkeypatch: pytest.MonkeyPatch, ports: Ports, issuer: Issuer, station: Station
) -> None:
    monkeypatch.setenv("FANFOLD_PUSH_ACCOUNT", ACCOUNT)
    issuer.status = 500
    token = issuer.token(email=ACCOUNT)
    assert pushed(serving(ports, issuer), station, f"Bearer {token}") == ("", 503)
    assert handled(ports) == 0


@pytest.mark.parametrize("station", STATIONS)
def test_without_an_account_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, ports: Ports, issuer: Issuer, station: Station
) -> None:
    monkeypatch.delenv("FANFOLD_PUSH_ACCOUNT", raising=False)
    assert pushed(serving(ports, issuer), station, None) == ("", 204)
    assert sum(issuer.asked.values()) == 0
    assert handled(ports) == 1


def test_the_sweep_is_asked_for_by_the_same_account_and_by_nobody_else(
    ports: Ports, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_PUSH_ACCOUNT", ACCOUNT)
    served = serving(ports, issuer)

    def swept(authorization: str | None) -> tuple[dict[str, int], int]:
        headers = [] if authorization is None else [("Authorization", authorization)]
        return served.sweep(Werkzeug(EnvironBuilder(headers=headers).get_environ()))

    assert swept(None) == ({}, 401)
    assert swept(f"Bearer {issuer.token(email='else@example.com')}") == ({}, 401)
    done, status = swept(f"Bearer {issuer.token(email=ACCOUNT)}")
    assert (status, "batches" in done or bool(done)) == (200, True)


def test_without_the_libraries_that_it_takes_the_setting_is_refused(
    ports: Ports, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_PUSH_ACCOUNT", ACCOUNT)
    monkeypatch.setitem(sys.modules, "jwt", None)
    for name in [it for it in sys.modules if it.startswith("fanfold.identity")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SettingsInvalid, match=r"fanfold\[api\]"):
        pushed(serving(ports, issuer), Station.FAN_OUT, None)
