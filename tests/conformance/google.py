"""A rig of the google engine, wherever its clients lead."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fanfold.engines.google.clients import Clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.provision import provision
from fanfold.engines.system import SystemIds
from fanfold.ports import Blobs
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance import Rig

PROJECT = "fanfold-test"
#: the shortest, and the fewest, that Pub/Sub takes
ACK_DEADLINE = 10
DELIVERIES = 5


@contextmanager
def google_rig(
    clients: Clients, blobs: Blobs, others: Blobs, expire_leases: Callable[[], None]
) -> Iterator[Rig]:
    """Of a prefix of its own."""
    clock = StillClock()
    prefix = f"t{secrets.token_hex(4)}-"
    provision(
        clients.publisher,
        clients.subscriber,
        PROJECT,
        prefix,
        ack_deadline=ACK_DEADLINE,
        backoff=False,
        max_deliveries=DELIVERIES,
    )
    with (
        google_engine(
            clients, blobs, project=PROJECT, prefix=prefix, clock=clock, ids=SystemIds(),
            slots=4, lease_seconds=ACK_DEADLINE,
        ) as ports,
        google_engine(
            clients, others, project=PROJECT, prefix=prefix, clock=clock, ids=SystemIds(),
            slots=4, lease_seconds=ACK_DEADLINE,
        ) as other,
    ):  # fmt: skip
        yield Rig(ports, other, clock, expire_leases, DELIVERIES)
