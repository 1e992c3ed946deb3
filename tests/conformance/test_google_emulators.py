"""The google engine passes the suite every engine must pass, on the official emulators."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.provision import provision
from fanfold.engines.system import SystemIds
from fanfold.local.emulators import Emulators
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance import EngineConformance, Rig

PROJECT = "fanfold-test"
#: the shortest, and the fewest, that Pub/Sub takes
ACK_DEADLINE = 10
DELIVERIES = 5


@pytest.fixture(scope="module")
def clients(emulators: Emulators) -> Iterator[Clients]:
    with open_clients(emulators.firestore, emulators.pubsub) as clients:
        yield clients


class TestGoogleEngineOnEmulators(EngineConformance):
    @pytest.fixture
    def rig(self, clients: Clients, tmp_path: Path) -> Iterator[Rig]:
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
            # nothing but time ends a lease here
            yield Rig(ports, other, clock, lambda: time.sleep(ACK_DEADLINE + 1), DELIVERIES)
