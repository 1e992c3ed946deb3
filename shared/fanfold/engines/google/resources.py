"""Topics, subscriptions, indexes and field exemptions: the one list that the emulators, the tests
and the deployment go by."""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.domain.priority import PRIORITIES, Priority
from fanfold.ports import Station

BATCH = "fanfold_batch"


@dataclass(frozen=True, slots=True)
class Subscription:
    station: Station
    #: seconds; for push, also the time limit of a request
    ack_deadline: int
    min_backoff: float
    max_backoff: float
    #: whether what is delivered too often goes to the dead letters
    dead_letters: bool
    #: of the batches whose messages these are, where messages are CLASSED
    priority: Priority = Priority.NORMAL


SUBSCRIPTIONS: tuple[Subscription, ...] = (
    Subscription(Station.FAN_OUT, 600, 1.0, 60.0, dead_letters=True),
    *(
        Subscription(Station.RUNS, 600, 1.0, 60.0, dead_letters=True, priority=it)
        for it in PRIORITIES
    ),
    Subscription(Station.FINALIZATIONS, 600, 1.0, 60.0, dead_letters=True),
    Subscription(Station.DEAD_LETTERS, 600, 10.0, 600.0, dead_letters=False),
)


@dataclass(frozen=True, slots=True)
class Index:
    """A composite index: equality fields, then the one that is ordered, compared or summed."""

    collection: str
    fields: tuple[str, ...]
    descending: bool = False


INDEXES: tuple[Index, ...] = (
    Index("batches", ("state", "created_at"), descending=True),
    Index("batches", ("kind", "created_at"), descending=True),
    Index("batches", ("kind", "state", "created_at"), descending=True),
    Index("batches", ("parent", "created_at"), descending=True),
    Index("slots", ("settled", "waits", "woken")),
    Index("runs", ("batch", "digest")),
    Index("runs", ("batch", "status", "digest")),
    Index("runs", ("batch", "seconds"), descending=True),
    Index("live", ("batch", "state", "until")),
    Index("live", ("state", "until")),
    Index("letters", ("batch", "at"), descending=True),
)

#: (collection, field): large, or never asked for; indexing them costs and makes hot spots
UNINDEXED: tuple[tuple[str, str], ...] = tuple(
    (collection, field)
    for collection, fields in {
        "batches": ("doc", "amended"),
        "pages": ("number", "stop", "packed"),
        "slots": (
            *("succeeded", "failed", "canceled", "skipped", "attempts", "seconds", "digest"),
            *("commits", "repeats", "halvings", "gathered", "slots", "errors", "durations"),
        ),
        "control": ("released", "woken", "pending", "last"),
        "runs": ("seconds", "output", "blob", "about"),
        "live": (
            *("index", "generation", "owner", "attempts", "rate_limited", "started_at"),
            *("seconds", "spent", "memo"),
        ),
        "flows": ("doc",),
        "letters": (
            *("body", "size", "reason", "about", "origin", "index", "fate", "resurrected_at"),
        ),
    }.items()
    for field in fields
)


#: (collection, field): a moment, after which the service removes the document by itself
EXPIRING: tuple[tuple[str, str], ...] = (("letters", "expires_at"),)


def topic(prefix: str, station: Station, priority: Priority = Priority.NORMAL) -> str:
    kind = "" if priority is Priority.NORMAL else f"-{priority}"
    return f"{prefix}fanfold-{station}{kind}"


def events(prefix: str) -> str:
    """The topic that tells of batches; whoever listens makes a subscription of their own."""
    return f"{prefix}fanfold-events"


def mark(prefix: str) -> str:
    """On emulators alone: a topic that nobody publishes to, and its subscription."""
    return f"{prefix}fanfold-desk"


def subscription(prefix: str, station: Station, priority: Priority = Priority.NORMAL) -> str:
    return topic(prefix, station, priority)
