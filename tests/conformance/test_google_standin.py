"""The google engine passes the suite every engine must pass, where there is no emulator either."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.bucket_blobs import open_bucket_blobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.provision import provision
from fanfold.engines.system import SystemIds
from fanfold.ports import Blobs
from fanfold.testing.clock import StillClock
from fanfold.testing.cloud import Cloud, running_cloud
from fanfold.testing.cloud.storage import Storage, running_storage
from fanfold.testing.conformance import EngineConformance, Rig
from fanfold.testing.conformance.blobs import BlobsConformance

PROJECT = "fanfold-test"
ACK_DEADLINE = 10
#: the fewest that Pub/Sub takes
DELIVERIES = 5


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running_cloud(still=True) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def clients(cloud: Cloud) -> Iterator[Clients]:
    with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        yield clients


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with running_storage("fanfold-test") as storage:
        yield storage


@contextmanager
def rig_of(cloud: Cloud, clients: Clients, blobs: Blobs, others: Blobs) -> Iterator[Rig]:
    clock = StillClock()
    prefix = f"t{secrets.token_hex(4)}-"
    provision(
        clients.publisher,
        clients.subscriber,
        PROJECT,
        prefix,
        ack_deadline=ACK_DEADLINE,
        backoff=False,
        max_deliveries=DELIVERIES,
    )
    with (
        google_engine(
            clients, blobs, project=PROJECT, prefix=prefix, clock=clock, ids=SystemIds(),
            slots=4, lease_seconds=ACK_DEADLINE,
        ) as ports,
        google_engine(
            clients, others, project=PROJECT, prefix=prefix, clock=clock, ids=SystemIds(),
            slots=4, lease_seconds=ACK_DEADLINE,
        ) as other,
    ):  # fmt: skip
        yield Rig(ports, other, clock, lambda: cloud.pass_(ACK_DEADLINE + 1), DELIVERIES)


class TestGoogleEngineOnTheStandIn(EngineConformance):
    @pytest.fixture
    def rig(self, cloud: Cloud, clients: Clients, tmp_path: Path) -> Iterator[Rig]:
        blobs = FolderBlobs(tmp_path)
        with rig_of(cloud, clients, blobs, blobs) as rig:
            yield rig


class TestBlobsInABucketOnTheStandIn(BlobsConformance):
    """Each process with connections of its own, and each test with a prefix."""

    @pytest.fixture
    def rig(self, cloud: Cloud, clients: Clients, storage: Storage) -> Iterator[Rig]:
        place = f"gs://fanfold-test/{secrets.token_hex(4)}"
        with (
            open_bucket_blobs(place, storage.url) as blobs,
            open_bucket_blobs(place, storage.url) as others,
            rig_of(cloud, clients, blobs, others) as rig,
        ):
            yield rig
