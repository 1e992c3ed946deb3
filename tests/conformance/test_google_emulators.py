"""The google engine passes the suite every engine must pass, on the official emulators."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.local.emulators import Emulators
from fanfold.testing.conformance import EngineConformance, Rig
from tests.conformance.google import ACK_DEADLINE, google_rig


@pytest.fixture(scope="module")
def clients(emulators: Emulators) -> Iterator[Clients]:
    with open_clients(emulators.firestore, emulators.pubsub) as clients:
        yield clients


class TestGoogleEngineOnEmulators(EngineConformance):
    @pytest.fixture
    def rig(self, clients: Clients, tmp_path: Path) -> Iterator[Rig]:
        blobs = FolderBlobs(tmp_path)
        # nothing but time ends a lease here
        with google_rig(clients, blobs, blobs, lambda: time.sleep(ACK_DEADLINE + 1)) as rig:
            yield rig
