"""A worker behind a wire that loses, for chaos tests of the google engine. Its process is forked:

fork(lossy_worker, settings, seed, threads)
"""

from __future__ import annotations

from dataclasses import replace

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.settings import Settings
from fanfold.testing.cloud.lossy import LossyWire
from fanfold.wiring import GOOGLE
from fanfold.worker.worker import Worker

#: what a process held that was killed is another's after so long: the least that Pub/Sub takes
LEASE_SECONDS = 10
#: claims end soon after their owner, and what nobody has a message for is found while a test waits
_POLICY = replace(
    GOOGLE, claim_seconds=5.0, quiet_seconds=20.0, orphan_seconds=5.0, sweep_seconds=5.0
)


def lossy_worker(settings: Settings, seed: int, threads: int) -> None:
    """Works until it is killed."""
    hosts = settings.firestore_emulator_host, settings.pubsub_emulator_host
    with (
        open_clients(*hosts, [LossyWire(seed)]) as clients,
        google_engine(
            clients,
            FolderBlobs(settings.home / "blobs"),
            project=settings.project,
            prefix=settings.prefix,
            lease_seconds=LEASE_SECONDS,
        ) as ports,
    ):
        Worker(
            ports,
            _POLICY,
            Library(),
            Isolation(),
            threads=threads,
            sweep_seconds=_POLICY.sweep_seconds,
        ).run()
