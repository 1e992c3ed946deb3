"""The google engine passes the suite every engine must pass, where there is no emulator either."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.bucket_blobs import open_bucket_blobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.testing.cloud import Cloud, running_cloud
from fanfold.testing.cloud.storage import Storage, running_storage
from fanfold.testing.conformance import EngineConformance, Rig
from fanfold.testing.conformance.blobs import BlobsConformance
from tests.conformance.google import ACK_DEADLINE, google_rig


def ends_leases(cloud: Cloud) -> Callable[[], None]:
    return lambda: cloud.pass_(ACK_DEADLINE + 1)


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


class TestGoogleEngineOnTheStandIn(EngineConformance):
    @pytest.fixture
    def rig(self, cloud: Cloud, clients: Clients, tmp_path: Path) -> Iterator[Rig]:
        blobs = FolderBlobs(tmp_path)
        with google_rig(clients, blobs, blobs, ends_leases(cloud)) as rig:
            yield rig


class TestBlobsInABucketOnTheStandIn(BlobsConformance):
    """Each process with connections of its own, and each test with a prefix."""

    @pytest.fixture
    def rig(self, cloud: Cloud, clients: Clients, storage: Storage) -> Iterator[Rig]:
        place = f"gs://fanfold-test/{secrets.token_hex(4)}"
        with (
            open_bucket_blobs(place, storage.url) as blobs,
            open_bucket_blobs(place, storage.url) as others,
            google_rig(clients, blobs, others, ends_leases(cloud)) as rig,
        ):
            yield rig
