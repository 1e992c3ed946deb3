"""A cloud of its own for each test, and the engine on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.provision import provision
from fanfold.engines.system import SystemIds
from fanfold.ports import Ports
from fanfold.testing.clock import StillClock
from fanfold.testing.cloud import Cloud, running_cloud

PROJECT = "fanfold-test"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud(still=True) as cloud:
        yield cloud


@pytest.fixture
def clients(cloud: Cloud) -> Iterator[Clients]:
    with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        yield clients


@pytest.fixture
def firestore(clients: Clients) -> Firestore:
    """The thinnest layer over the calls."""
    return Firestore(clients.firestore, PROJECT)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def ports(clients: Clients, clock: StillClock, tmp_path: Path) -> Iterator[Ports]:
    provision(clients.publisher, clients.subscriber, PROJECT, "", ack_deadline=10, backoff=False)
    with google_engine(
        clients, FolderBlobs(tmp_path), project=PROJECT, clock=clock, ids=SystemIds(),
        slots=1, lease_seconds=10,
    ) as ports:  # fmt: skip
        yield ports
