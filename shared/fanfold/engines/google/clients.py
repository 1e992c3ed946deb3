"""Google's clients: against the emulators where the environment names them, else the cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

#: the emulator's own way of being the database's owner, whom no rule stops
_EMULATOR_METADATA = (("authorization", "Bearer owner"),)
_OPTIONS = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", 64 * 1024 * 1024),
    # one that has been restarted is found at once, not at the end of a growing pause
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


@dataclass(frozen=True, slots=True)
class Clients:
    firestore: FirestoreClient
    firestore_metadata: tuple[tuple[str, str], ...]
    publisher: PublisherClient
    subscriber: SubscriberClient
    #: where the emulators are, if they are ones
    firestore_emulator: str = ""
    pubsub_emulator: str = ""


@contextmanager
def open_clients(
    firestore_host: str | None = None, pubsub_host: str | None = None
) -> Iterator[Clients]:
    """The hosts are the emulators', as `localhost:8080`."""
    channels: list[grpc.Channel] = []

    def channel(host: str) -> grpc.Channel:
        channels.append(grpc.insecure_channel(host, options=_OPTIONS))
        return channels[-1]

    if firestore_host:
        firestore = FirestoreClient(
            transport=FirestoreGrpcTransport(channel=channel(firestore_host))
        )
    else:
        firestore = FirestoreClient()
    if pubsub_host:
        shared = channel(pubsub_host)
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=shared))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=shared))
    else:
        publisher, subscriber = PublisherClient(), SubscriberClient()
    metadata = _EMULATOR_METADATA if firestore_host else ()
    try:
        yield Clients(
            firestore, metadata, publisher, subscriber, firestore_host or "", pubsub_host or ""
        )
    finally:
        for client in (firestore, publisher, subscriber):
            client.transport.close()  # type: ignore[no-untyped-call]
        for opened in channels:
            opened.close()
