"""Topics and subscriptions on an emulator, for workers to pull or for our own pusher.

They have no back-off: whoever gives a message back says for how long. What is pulled is leased for
as long as whoever pulls would have it; the functions' long requests are extended.

Whose functions get the messages is said by a mark: a subscription of a topic that nobody publishes
to, with the address of those functions as its endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fanfold.engines.google.presence import listens
from fanfold.errors import Conflict
from fanfold.ports import Station
from fanfold.settings import Settings

if TYPE_CHECKING:
    from fanfold.engines.google.clients import Clients


class ServedElsewhere(Conflict):
    """Other functions get the messages there. Set FANFOLD_PREFIX to keep apart from them."""


def ensure_topics(settings: Settings) -> None:
    """Those that are missing."""
    with _clients(settings) as clients:
        _provision(clients, settings)


def claim_topics(settings: Settings, url: str = "") -> None:
    """For the functions at `url`, or for workers that pull. Raises ServedElsewhere rather than take
    the messages away from functions that live."""
    from fanfold.engines.google.provision import mark, marked

    with _clients(settings) as clients:
        found = marked(clients.subscriber, settings.project, settings.prefix)
        if found and found != url and listens(urlsplit(found).netloc):
            raise ServedElsewhere(
                f"the functions at {found} get the messages of that emulator's project "
                f"{settings.project}. Stop them, or keep apart: FANFOLD_PREFIX=mine-"
            )
        _provision(clients, settings)
        if url:
            mark(clients.publisher, clients.subscriber, settings.project, settings.prefix, url)


def push_to(settings: Settings, urls: Mapping[Station, str]) -> None:
    """By the service itself, with its own back-off."""
    from fanfold.engines.google.provision import provision

    with _clients(settings) as clients:
        provision(
            clients.publisher, clients.subscriber, settings.project, settings.prefix, push=urls
        )


def are_there(settings: Settings) -> bool | None:
    """All of them. None: the emulator does not answer."""
    from fanfold.engines.google.provision import are_provisioned

    if not listens(settings.pubsub_emulator_host):
        return None
    with _clients(settings) as clients:
        return are_provisioned(clients.subscriber, settings.project, settings.prefix)


def _provision(clients: Clients, settings: Settings) -> None:
    from fanfold.engines.google.provision import provision
    from fanfold.engines.google.queue import LEASE_SECONDS

    provision(
        clients.publisher,
        clients.subscriber,
        settings.project,
        settings.prefix,
        ack_deadline=LEASE_SECONDS,
        backoff=False,
    )


@contextmanager
def _clients(settings: Settings) -> Iterator[Clients]:
    from fanfold.engines.google.clients import open_clients

    with open_clients(settings.firestore_emulator_host, settings.pubsub_emulator_host) as clients:
        yield clients
