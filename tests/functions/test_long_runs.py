"""A run of twenty-two seconds, where a message is anybody's again after ten: the least that Pub/Sub
takes, and the longest that its push then waits for an answer."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fanfold.engines.google import resources
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.provision import provision
from fanfold.local import pusher
from fanfold.local.emulators import Emulators
from fanfold.local.up import brought_up
from fanfold.settings import Settings
from fanfold.testing.home import Home
from fanfold.testing.nursery import end_all, fork
from fanfold.testing.pulling import pull_until_killed
from fanfold.testing.working import until
from fanfold.wiring import open_google
from tests.functions.conftest import FLOWS

DEADLINE, LONG = 10, 22.0


@pytest.fixture
def settings(emulators: Emulators, tmp_path: Path) -> Settings:
    return Settings.from_env().model_copy(
        update={
            "engine": "google",
            "home": tmp_path / "home",
            "prefix": f"t{secrets.token_hex(4)}-",
            "threads": 4,
            "firestore_emulator_host": emulators.firestore,
            "pubsub_emulator_host": emulators.pubsub,
        }
    )


@pytest.fixture
def pushed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """By functions, whose requests are given up after ten seconds."""
    short = tuple(replace(it, ack_deadline=DEADLINE) for it in resources.SUBSCRIPTIONS)
    monkeypatch.setattr(pusher, "SUBSCRIPTIONS", short)
    with brought_up(settings) as up, open_google(up.settings) as ports:
        yield Home(up.settings.home, ports, up.settings)


@pytest.fixture
def pulled(settings: Settings) -> Iterator[Home]:
    """By two processes, from subscriptions that lease for ten seconds."""
    with open_clients(settings.firestore_emulator_host, settings.pubsub_emulator_host) as clients:
        provision(
            clients.publisher,
            clients.subscriber,
            settings.project,
            settings.prefix,
            ack_deadline=DEADLINE,
            backoff=False,
        )
    with open_google(settings) as ports:
        for _ in range(2):
            fork(pull_until_killed, settings, 4)
        yield Home(settings.home, ports, settings)
        end_all()


@pytest.mark.slow
@pytest.mark.parametrize("delivery", ["pushed", "pulled"])
def test_a_run_that_outlasts_its_message_s_deadline_is_run_once(
    request: pytest.FixtureRequest, tmp_path: Path, delivery: str
) -> None:
    home: Home = request.getfixturevalue(delivery)
    note = tmp_path / "note"
    record = {"note": str(note), "seconds": LONG}
    batch = home.create([record, {**record, "seconds": 0.0}], f"{FLOWS}:long")
    until(lambda: home.ports.batches.get(batch.id).ended, 120)
    home.assert_whole(batch, 2)
    assert note.read_text() == "xx"
    run = home.ports.runs.read(batch.id, [0])[0]
    assert (run.attempts, run.seconds >= LONG) == (1, True)
    assert home.ports.leases.lives(batch.id, [0, 1]) == {}
