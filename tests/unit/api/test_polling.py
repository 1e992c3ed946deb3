"""What looking at a batch costs: the same, however large it is."""

from __future__ import annotations

from pathlib import Path

from httpx import Client

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.provision import provision
from fanfold.execution.library import Library
from fanfold.settings import Settings
from fanfold.testing.cloud import running_cloud
from fanfold.testing.conformance.rig import ok
from fanfold.testing.stations import fanned_out
from fanfold.wiring import GOOGLE, Fanfold
from tests.unit.api.conftest import FLOWS, ByName


def test_a_look_reads_as_much_of_a_large_batch_as_of_a_small_one(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(FLOWS)
    given = {"engine": "google", "flows": str(tmp_path / "flows.py")}
    settings = Settings.from_env().model_copy(update=given)
    looks: list[int] = []
    with (
        running_cloud() as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_engine(clients, FolderBlobs(tmp_path / "blobs"), project="polled") as ports,
    ):
        provision(clients.publisher, clients.subscriber, "polled", "")
        fanfold = Fanfold(settings, ports, GOOGLE, Library(settings.flow_places))
        with (
            served(create_app(fanfold, ByName())) as address,
            Client(base_url=address, headers={"Authorization": "Bearer ann"}) as client,
        ):
            for records in (20, 2000):
                body = {"flow": "shout", "records": [{"text": "a"}] * records}
                batch_id = client.post("/api/batches", json=body).json()["batch_id"]
                batch = fanned_out(ports, ports.batches.get(batch_id))
                for start in range(0, records // 2, 500):
                    stop = min(start + 500, records // 2)
                    ports.runs.settle(batch, [ok(batch, it) for it in range(start, stop)])
                before = cloud.operations
                counts = client.get(f"/api/batches/{batch_id}").json()["counts"]
                assert counts["succeeded"] == records // 2
                looks.append((cloud.operations - before).read)
    assert looks[0] == looks[1] <= 10, looks
