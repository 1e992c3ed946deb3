"""Google's clients: against the emulators where the environment names them, else the cloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
import grpc.experimental
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
#: Each answer of a stream is read by who waits for it, not handed over by another thread: reading
#: a document costs a quarter of what it would.
_READING = ((grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1),)


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
    firestore_host: str | None = None,
    pubsub_host: str | None = None,
    interceptors: Sequence[Any] = (),
) -> Iterator[Clients]:
    """The hosts are the emulators', as `localhost:8080`. Each call passes the interceptors."""
    opening = partial(_opened, interceptors)
    firestore = FirestoreClient(
        transport=FirestoreGrpcTransport(channel=opening(FirestoreGrpcTransport, firestore_host))
    )
    publisher = PublisherClient(
        transport=PublisherGrpcTransport(channel=opening(PublisherGrpcTransport, pubsub_host))
    )
    subscriber = SubscriberClient(
        transport=SubscriberGrpcTransport(channel=opening(SubscriberGrpcTransport, pubsub_host))
    )
    metadata = _EMULATOR_METADATA if firestore_host else ()
    try:
        yield Clients(
            firestore, metadata, publisher, subscriber, firestore_host or "", pubsub_host or ""
        )
    finally:
        for client in (firestore, publisher, subscriber):
            client.transport.close()  # type: ignore[no-untyped-call]


def _opened(interceptors: Sequence[Any], transport: Any, host: str | None) -> Any:
    """A channel to an emulator; of the service, how its transport is to open one, which it does
    with credentials and options of its own."""
    if host:
        channel = grpc.insecure_channel(host, options=[*_OPTIONS, *_READING])
        return grpc.intercept_channel(channel, *interceptors)

    def open_service(address: str, *, options: Sequence[Any], **others: Any) -> grpc.Channel:
        channel = transport.create_channel(address, options=[*options, *_READING], **others)
        return grpc.intercept_channel(channel, *interceptors)

    return open_service
