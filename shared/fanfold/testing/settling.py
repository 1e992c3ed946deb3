"""Settles some runs of a batch on the google engine, for tests of many processes at once."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from fanfold.domain.settling import Verdict
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.testing.conformance.rig import ok

_GROUP = 10


def settle_twice(
    firestore: str,
    pubsub: str,
    project: str,
    prefix: str,
    batch_id: str,
    indexes: Sequence[int],
    answer: Connection,
) -> None:
    """In groups of ten, every group twice, as after a lost reply. Tells how many of them were
    counted by it."""
    with (
        TemporaryDirectory() as folder,
        open_clients(firestore, pubsub) as clients,
        google_engine(clients, FolderBlobs(Path(folder)), project=project, prefix=prefix) as ports,
    ):
        batch = ports.batches.get(batch_id)
        counted = 0
        for first in range(0, len(indexes), _GROUP):
            runs = [ok(batch, index) for index in indexes[first : first + _GROUP]]
            for _ in range(2):
                counted += ports.runs.settle(batch, runs).count(Verdict.COUNTED)
    answer.send(counted)
