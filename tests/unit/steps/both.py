"""Ports of each engine for tests of steps; google's is on the stand-in. Clocks stand still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.provision import provision
from fanfold.ports import Clock, Ports
from fanfold.testing.cloud import running_cloud

ENGINES = ("embedded", "google")
_PROJECT = "steps-project"


@contextmanager
def opened(engine: str, folder: Path, clock: Clock) -> Iterator[Ports]:
    if engine == "embedded":
        with embedded_engine(folder / "home", clock) as ports:
            yield ports
        return
    with (
        running_cloud() as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_engine(clients, FolderBlobs(folder), project=_PROJECT, clock=clock) as ports,
    ):
        provision(clients.publisher, clients.subscriber, _PROJECT, "", backoff=False)
        yield ports
