"""The google engine passes the suite every engine must pass, where there is no emulator either."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.provision import provision
from fanfold.engines.system import SystemIds
from fanfold.testing.clock import StillClock
from fanfold.testing.cloud import Cloud, running_cloud
from fanfold.testing.conformance import EngineConformance, Rig

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


class TestGoogleEngineOnTheStandIn(EngineConformance):
    @pytest.fixture
    def rig(self, cloud: Cloud, clients: Clients, tmp_path: Path) -> Iterator[Rig]:
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
        blobs = FolderBlobs(tmp_path)

        with (
            google_engine(
                clients, blobs, project=PROJECT, prefix=prefix, clock=clock, ids=SystemIds(),
                slots=4, lease_seconds=ACK_DEADLINE,
            ) as ports,
            google_engine(
                clients, blobs, project=PROJECT, prefix=prefix, clock=clock, ids=SystemIds(),
                slots=4, lease_seconds=ACK_DEADLINE,
            ) as other,
        ):  # fmt: skip
            yield Rig(ports, other, clock, lambda: cloud.pass_(ACK_DEADLINE + 1), DELIVERIES)
