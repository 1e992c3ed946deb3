"""Topics and subscriptions on an emulator: pushed to functions, or pulled by workers.

Without a back-off: with one the emulator stops delivering again altogether when two messages have
failed thrice (measured; SDK 528). Without, it delivers again every second; hence more deliveries
than in the cloud, or a hiccup of twenty seconds would make dead letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fanfold.errors import Conflict
from fanfold.local.addresses import listens
from fanfold.ports import Station
from fanfold.settings import Settings

if TYPE_CHECKING:
    from fanfold.engines.google.clients import Clients

#: the most that Pub/Sub takes
_MAX_DELIVERIES = 100


class ServedElsewhere(Conflict):
    """Other functions get the messages there. Set FANFOLD_PREFIX to keep apart from them."""


def ensure_topics(settings: Settings) -> None:
    """Those that are missing, for workers to pull; who pushes already goes on."""
    with _clients(settings) as clients:
        _provision(clients, settings)


def push_to(settings: Settings, urls: Mapping[Station, str]) -> None:
    """Raises ServedElsewhere rather than take the messages away from functions that live."""
    from fanfold.engines.google.provision import endpoints

    with _clients(settings) as clients:
        found = endpoints(clients.subscriber, settings.project, settings.prefix)
        for url in set(found.values()) - set(urls.values()):
            if listens(urlsplit(url).netloc):
                raise ServedElsewhere(
                    f"the functions at {url} get the messages of that emulator's project "
                    f"{settings.project}. Stop them, or keep apart: FANFOLD_PREFIX=mine-"
                )
        _provision(clients, settings, urls)


def pull_again(settings: Settings) -> None:
    """What is published from now on waits for whoever comes next."""
    from fanfold.engines.google.provision import provision

    nowhere = dict.fromkeys(Station, "")
    with _clients(settings) as clients:
        _provision(clients, settings, nowhere)


def _provision(
    clients: Clients, settings: Settings, push: Mapping[Station, str] | None = None
) -> None:
    from fanfold.engines.google.provision import provision

    provision(
        clients.publisher,
        clients.subscriber,
        settings.project,
        settings.prefix,
        push=push,
        backoff=False,
        max_deliveries=_MAX_DELIVERIES,
    )


@contextmanager
def _clients(settings: Settings) -> Iterator[Clients]:
    from fanfold.engines.google.clients import open_clients

    with open_clients(settings.firestore_emulator_host, settings.pubsub_emulator_host) as clients:
        yield clients
