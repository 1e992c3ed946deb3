"""The stand-in answers as the service does: by an index that is declared, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.domain.batch import BatchState
from fanfold.domain.letter import Fate, Letter
from fanfold.domain.lineage import ASKED_FOR, Kind
from fanfold.domain.options import BatchOptions
from fanfold.domain.run import RunState
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.provision import provision
from fanfold.engines.google.querying import Where
from fanfold.engines.google.resources import EXPIRING, INDEXES, UNINDEXED
from fanfold.errors import EngineError
from fanfold.ports import Ports
from fanfold.testing.cloud import Cloud, running_cloud
from fanfold.testing.conformance.flows import a_flow
from fanfold.testing.conformance.rig import failed, live, new_batch, ok, sealed, with_records

#: fields that only some documents have, or that are no more
RARE = {("runs", "blob")}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def ports(cloud: Cloud, tmp_path: Path) -> Iterator[Ports]:
    with (
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_engine(clients, FolderBlobs(tmp_path), project="indexed") as ports,
    ):
        provision(clients.publisher, clients.subscriber, "indexed", "")
        yield ports


def use(ports: Ports) -> None:
    """Every verb that asks by more than a name."""
    batch = new_batch(ports, options=BatchOptions(concurrency=2, rate="1/s"))
    batch = sealed(ports, with_records(ports, batch, 4))
    ports.frontier.advance(batch, "token", None, (), ports.clock.now())
    ports.leases.wait(batch, [live(batch, 3, RunState.WAITING, 1.0)])
    ports.frontier.advance(batch, "token-2", None, (), ports.clock.now())
    ports.runs.settle(batch, [ok(batch, 0), failed(batch, 1)])
    ports.runs.recount(batch.id)
    ports.runs.slowest(batch.id, 1)
    ports.leases.running(batch.id, ports.clock.now())
    ports.leases.due(ports.clock.now())
    list(ports.leases.waiting(batch.id))
    for kinds in (None, [Kind.RUN], ASKED_FOR):
        ports.batches.find(kinds=kinds)
        ports.batches.find([BatchState.RUNNING, BatchState.PAUSED], kinds=kinds)
    ports.batches.find(parent="batch-aaaaaaaaaaaaaaaa")
    ports.batches.followers(batch.id)
    list(ports.batches.records(batch.id, 0, 4))
    list(ports.runs.in_state(batch.id, RunState.FAILED))
    ports.runs.settled(batch.id)
    ports.runs.spent(batch.id)
    ports.frontier.reserve(batch.id, 1, 1.0, 1.0, ports.clock.now())
    ports.leases.wake(batch, ports.clock.now(), 1.0, 1)
    ports.letters.keep(_letter(batch.id))
    ports.letters.find(batch.id)
    ports.letters.find()
    flow = ports.flows.add(a_flow("some"))
    ports.flows.find(after=flow.id)


def test_each_index_that_is_declared_is_one_that_is_needed(cloud: Cloud, ports: Ports) -> None:
    """The other way round every test on the stand-in proves it."""
    use(ports)
    assert cloud.indexes_used == set(INDEXES)


def test_what_nobody_asks_for_is_not_indexed(cloud: Cloud, ports: Ports) -> None:
    """Each index entry costs a write's time, and one of what grows in order makes a hot spot."""
    use(ports)
    idle = cloud.fields_written - cloud.fields_asked - {*UNINDEXED, *EXPIRING}
    told = "\n".join(f"{collection}.{field}" for collection, field in sorted(idle))
    assert told == ""
    assert {it for it in UNINDEXED if it not in cloud.fields_written} <= RARE


@pytest.mark.parametrize(
    ("where", "order", "told"),
    [
        ([Where("batch", "==", "b"), Where("started_at", ">", 1)], None, "requires an index"),
        ([Where("batch", "==", "b")], "ended_at", "requires an index"),
        ([Where("about", "==", "x")], None, "runs.about to be indexed"),
        ([Where("batch", "==", "b"), Where("blob", "==", "x")], None, "runs.blob to be indexed"),
    ],
)
def test_a_query_without_an_index_is_refused(
    cloud: Cloud, where: list[Where], order: str | None, told: str
) -> None:
    with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        firestore = Firestore(clients.firestore, "indexed", "(default)")
        with pytest.raises(EngineError, match=told):
            firestore.query("", "runs", where, order=order)


def _letter(batch_id: str) -> Letter:
    return Letter(
        id="letter",
        at=1.0,
        batch_id=batch_id,
        index=1,
        origin="runs",
        reason="",
        fate=Fate.KEPT,
        about="",
        resurrected_at=None,
        body=b"x",
        size=1,
    )
