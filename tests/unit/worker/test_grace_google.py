"""A drain that has a limit, on the google engine: what is given back comes at once, to anybody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.testing.cloud import running_cloud
from fanfold.testing.home import Home
from fanfold.testing.puppet import marks
from fanfold.testing.working import until, working
from fanfold.wiring import GOOGLE
from fanfold.worker.bounds import Bounds
from tests.conformance.google import google_rig
from tests.unit.worker.bounded import working_within

PUPPET = "fanfold.testing.puppet:puppet"
#: it has a lease as soon as anybody looks
POLICY = replace(GOOGLE, lease_after=0.0, pull_seconds=0.2)


def test_no_lease_and_no_deadline_keeps_a_run_that_was_given_back(tmp_path: Path) -> None:
    """Neither the engine's clock nor Pub/Sub's moves: what is held stays so."""
    gate, marked = tmp_path / "gate", str(tmp_path / "marks")
    with (
        running_cloud(still=True) as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_rig(
            clients, FolderBlobs(tmp_path / "blobs"), FolderBlobs(tmp_path / "blobs"), lambda: None
        ) as rig,
    ):
        home = Home(tmp_path, rig.ports)
        batch = home.create([{"do": "hang", "gate": str(gate), "log": marked}], PUPPET)
        leases = rig.ports.leases
        with working_within(rig.ports, Bounds(grace=0.0), policy=POLICY) as (worker, thread):
            until(lambda: leases.lives(batch.id, [0]))
            worker.stop()
            until(lambda: not thread.is_alive())
        with working(rig.other, policy=POLICY):
            until(lambda: len(marks(marked)) == 2)
            gate.touch()
            until(lambda: rig.ports.batches.get(batch.id).ended)
        home.assert_whole(batch, 1)
        assert rig.ports.runs.read(batch.id, [0])[0].attempts == 1
