"""A process that settles some runs of a batch on the google engine, for tests of many at once.

python -m fanfold.testing.settling FIRESTORE PUBSUB PROJECT PREFIX BATCH START STOP

It settles [START, STOP) in groups of ten, every group twice, as after a lost reply, and prints how
many of them were counted by it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.ports import Verdict
from fanfold.testing.conformance.rig import ok

_GROUP = 10


def main(
    firestore: str, pubsub: str, project: str, prefix: str, batch_id: str, start: str, stop: str
) -> None:
    with (
        TemporaryDirectory() as folder,
        open_clients(firestore, pubsub) as clients,
        google_engine(clients, FolderBlobs(Path(folder)), project=project, prefix=prefix) as ports,
    ):
        batch = ports.batches.get(batch_id)
        counted = 0
        for first in range(int(start), int(stop), _GROUP):
            runs = [ok(batch, index) for index in range(first, min(first + _GROUP, int(stop)))]
            for _ in range(2):
                counted += ports.runs.settle(batch, runs).count(Verdict.COUNTED)
        sys.stdout.write(f"{counted}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
