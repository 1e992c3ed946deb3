"""Who waits for an emulator that has ended is told so, and does not wait for long."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google import presence
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.presence import Gone, Presence
from fanfold.local.addresses import free_port
from fanfold.ports import Ports, Station
from fanfold.testing.cloud import running_cloud
from fanfold.testing.conformance.rig import new_batch, ok

PROJECT = "fanfold-test"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "_GRACE_SECONDS", 0.0)


def test_the_real_service_is_always_there() -> None:
    Presence("Firestore").check()


def test_an_emulator_may_be_restarted() -> None:
    Presence("Firestore", f"127.0.0.1:{free_port()}").check()


@pytest.mark.usefixtures("impatient")
def test_one_that_stays_away_is_gone() -> None:
    host = f"127.0.0.1:{free_port()}"
    with pytest.raises(Gone, match=f"at {host} any more: the Pub/Sub emulator has ended"):
        Presence("Pub/Sub", host).check()


def test_one_that_came_back_has_as_long_again_for_its_next_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    it = Presence("Firestore", f"127.0.0.1:{port}")
    it.check()
    with socket.create_server(("127.0.0.1", port)):
        it.check()
    monkeypatch.setattr(presence, "_GRACE_SECONDS", 0.5)
    now = monotonic()
    monkeypatch.setattr(presence, "monotonic", lambda: now + 1000.0)
    it.check()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "call",
    [
        lambda ports, batch: ports.runs.settle(batch, [ok(batch, 0)]),
        lambda ports, batch: ports.runs.settled(batch.id),
        lambda ports, batch: ports.batches.get(batch.id),
        lambda ports, batch: ports.batches.amend(batch.id, lambda it: it),
        lambda ports, _: ports.queue.publish(Station.RUNS, "b", [b"x"]),
        lambda ports, _: ports.queue.pull(Station.RUNS, 1),
    ],
    ids=["settle", "settled", "get", "amend", "publish", "pull"],
)
def test_every_call_ends_when_the_emulator_has(
    tmp_path: Path, call: Callable[[Ports, object], object]
) -> None:
    with (
        running_cloud() as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_engine(clients, FolderBlobs(tmp_path), project=PROJECT, slots=1) as ports,
    ):
        batch = new_batch(ports)
        cloud.stop()
        with pytest.raises(Gone):
            call(ports, batch)
