"""The google engine: every port over one project."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from fanfold.engines.google.batches import GoogleBatches
from fanfold.engines.google.clients import Clients
from fanfold.engines.google.collections import GoogleCollections
from fanfold.engines.google.documents import Layout
from fanfold.engines.google.events import TopicEvents
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.flows import GoogleFlows
from fanfold.engines.google.frontier import GoogleFrontier
from fanfold.engines.google.leases import GoogleLeases
from fanfold.engines.google.letters import GoogleLetters
from fanfold.engines.google.queue import LEASE_SECONDS, PubSubQueue
from fanfold.engines.google.runs import GoogleRuns
from fanfold.engines.google.slots import Slots
from fanfold.engines.system import SystemClock, SystemIds
from fanfold.ports import Blobs, Clock, Ids, Ports


@contextmanager
def google_engine(
    clients: Clients,
    blobs: Blobs,
    *,
    project: str,
    database: str = "(default)",
    prefix: str = "",
    clock: Clock | None = None,
    ids: Ids | None = None,
    slots: int = 64,
    lease_seconds: int = LEASE_SECONDS,
) -> Iterator[Ports]:
    owner = f"{os.getpid()}-{secrets.token_hex(6)}"
    firestore = Firestore(
        clients.firestore,
        project,
        database,
        clients.firestore_metadata,
        clients.firestore_emulator,
    )
    layout = Layout(firestore, prefix)
    counters = Slots(layout, owner)
    queue = PubSubQueue(
        clients.publisher,
        clients.subscriber,
        project,
        prefix,
        lease_seconds,
        clients.pubsub_emulator,
    )
    yield Ports(
        queue=queue,
        batches=GoogleBatches(layout),
        runs=GoogleRuns(layout, counters),
        leases=GoogleLeases(layout, counters),
        frontier=GoogleFrontier(layout),
        letters=GoogleLetters(layout),
        flows=GoogleFlows(layout),
        events=TopicEvents(queue.publish_events),
        blobs=blobs,
        clock=clock or SystemClock(),
        ids=ids or SystemIds(),
        owner=owner,
        slots=slots,
        collections=GoogleCollections(firestore),
    )
