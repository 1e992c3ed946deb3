"""The embedded engine: every port over one home folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fanfold.engines.embedded.batches import EmbeddedBatches
from fanfold.engines.embedded.database import Database
from fanfold.engines.embedded.flows import EmbeddedFlows
from fanfold.engines.embedded.frontier import EmbeddedFrontier
from fanfold.engines.embedded.home import prepare_home
from fanfold.engines.embedded.leases import EmbeddedLeases
from fanfold.engines.embedded.letters import EmbeddedLetters
from fanfold.engines.embedded.owners import Ownership
from fanfold.engines.embedded.queue import EmbeddedQueue
from fanfold.engines.embedded.runs import EmbeddedRuns
from fanfold.engines.embedded.scope import Scope
from fanfold.engines.embedded.unheard import Unheard
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.system import SystemClock, SystemIds
from fanfold.ports import Clock, Ids, Ports


@contextmanager
def embedded_engine(
    home: Path, clock: Clock | None = None, ids: Ids | None = None, only: str | None = None
) -> Iterator[Ports]:
    """Open it for this process. What it had leased is given back when the block ends. `only`: the
    batch to pull messages of; without, all whose flow any process can find."""
    home = prepare_home(home)
    clock = clock or SystemClock()
    database = Database(home)
    ownership = Ownership(home / "owners")
    try:
        yield Ports(
            queue=EmbeddedQueue(database, clock, ownership, Scope(only)),
            batches=EmbeddedBatches(database),
            runs=EmbeddedRuns(database),
            leases=EmbeddedLeases(database),
            frontier=EmbeddedFrontier(database),
            letters=EmbeddedLetters(database),
            flows=EmbeddedFlows(database),
            events=Unheard(),
            blobs=FolderBlobs(home / "blobs"),
            clock=clock,
            ids=ids or SystemIds(),
            owner=ownership.name,
        )
    finally:
        ownership.let_go()
        database.close()
