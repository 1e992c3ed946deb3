"""A rig of the google engine, wherever its clients lead."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fanfold.engines.google import resources
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
#: ends a hang, measures nothing
_PATIENCE = 60.0


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
    name = f"projects/{PROJECT}/subscriptions/{prefix}listener"
    topic = f"projects/{PROJECT}/topics/{resources.events(prefix)}"
    clients.subscriber.create_subscription(name=name, topic=topic)

    def heard(count: int) -> list[tuple[bytes, dict[str, str]]]:
        found: list[tuple[bytes, dict[str, str]]] = []
        while len(found) < count:
            received = clients.subscriber.pull(
                subscription=name, max_messages=count, timeout=_PATIENCE
            ).received_messages
            tokens = [it.ack_id for it in received]
            if tokens:
                clients.subscriber.acknowledge(subscription=name, ack_ids=tokens)
            found += [(it.message.data, dict(it.message.attributes)) for it in received]
        return found

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
        yield Rig(ports, other, clock, expire_leases, DELIVERIES, heard)
