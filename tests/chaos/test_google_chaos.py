"""Workers that pull from the official emulators, killed again and again, behind wires that lose."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from fanfold.domain.tally import Counts
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.provision import provision
from fanfold.local.emulators import Emulators
from fanfold.settings import Settings
from fanfold.testing.home import Home
from fanfold.testing.lossy_worker import LEASE_SECONDS, lossy_worker
from fanfold.testing.nursery import fork
from fanfold.wiring import open_google
from tests.chaos.looking import assert_conserved

FLOWS = Path(__file__).with_name("flows.py")
BATCHES, RECORDS, LOOKS = 2, 2000, 100


@pytest.fixture
def emulated_home(emulators: Emulators, tmp_path: Path) -> Iterator[Home]:
    settings = Settings.from_env().model_copy(
        update={
            "engine": "google",
            "home": tmp_path / "home",
            "prefix": f"t{secrets.token_hex(4)}-",
            "firestore_emulator_host": emulators.firestore,
            "pubsub_emulator_host": emulators.pubsub,
        }
    )
    with open_clients(emulators.firestore, emulators.pubsub) as clients:
        provision(
            clients.publisher,
            clients.subscriber,
            settings.project,
            settings.prefix,
            ack_deadline=LEASE_SECONDS,
            backoff=False,
        )
    with open_google(settings) as ports:
        yield Home(settings.home, ports, settings)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_two_batches_end_whole_though_workers_are_killed_every_second_and_the_wire_loses(
    emulated_home: Home,
) -> None:
    """Commits are refused or their replies lost, messages published twice, acks lost, reads not
    answered: one call in twenty."""
    home = emulated_home
    settings = home.settings
    assert settings is not None
    batches = [
        home.create(
            [{"n": n} for n in range(RECORDS)],
            f"{FLOWS}:short",
            concurrency=50 if number % 2 == 1 else None,
        )
        for number in range(BATCHES)
    ]
    seeds = iter(range(1, 10_000))
    workers = [fork(lossy_worker, settings, next(seeds), 8) for _ in range(3)]
    chance = random.Random(11)
    kills, next_kill = 0, monotonic() + 1.0
    open_ = list(batches)
    looks: list[Counts] = []
    while open_:
        sleep(0.1)  # polling pace; nothing depends on it
        if len(looks) < LOOKS:  # each costs the emulator some of what the workers need
            looks.append(home.status(batches[0]).counts)
        open_ = [it for it in open_ if not home.ports.batches.get(it.id).ended]
        if monotonic() >= next_kill:
            victim = chance.randrange(3)
            workers[victim].kill()
            workers[victim] = fork(lossy_worker, settings, next(seeds), 8)
            kills += 1
            next_kill += 1.0
    for worker in workers:
        worker.kill()
    assert kills >= 5, "the batches were over before anything was proven"
    assert len(looks) == LOOKS
    assert_conserved(looks)
    for batch in batches:
        home.assert_whole(batch, RECORDS)
