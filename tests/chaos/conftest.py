"""A home for each test, on each engine; google's is on the stand-in, whose time can be moved."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.provision import provision
from fanfold.settings import Settings
from fanfold.testing.cloud import Cloud, running_cloud
from fanfold.testing.home import Home
from fanfold.testing.nursery import end_all
from fanfold.wiring import open_google

#: longer than any lease of a message
_LONG = 700.0


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def embedded_home(tmp_path: Path) -> Iterator[Home]:
    with embedded_engine(tmp_path / "home") as ports:
        yield Home(tmp_path / "home", ports)


@pytest.fixture
def google_home(cloud: Cloud, tmp_path: Path) -> Iterator[Home]:
    settings = Settings.from_env().model_copy(
        update={
            "engine": "google",
            "home": tmp_path / "home",
            "prefix": f"t{secrets.token_hex(4)}-",
            "firestore_emulator_host": cloud.firestore_host,
            "pubsub_emulator_host": cloud.pubsub_host,
        }
    )
    with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        provision(
            clients.publisher,
            clients.subscriber,
            settings.project,
            settings.prefix,
            backoff=False,
        )

    def forget_the_dead() -> None:
        cloud.until_quiet()
        cloud.pass_(_LONG)

    with open_google(settings) as ports:
        yield Home(settings.home, ports, settings, forget_the_dead)


@pytest.fixture(params=["embedded", "google"])
def home(request: pytest.FixtureRequest) -> Home:
    found: Home = request.getfixturevalue(f"{request.param}_home")
    return found
