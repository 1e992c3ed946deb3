"""What the steps need of an engine: Protocols in the domain's own verbs.

Each verb is atomic, most take many at once, and each may be repeated: whoever is not sure that a
call arrived calls again. An engine (engines.embedded, later engines.google) implements them and
must pass `fanfold.testing.conformance`. The store is six ports over the same documents, so that
each stays small enough to be read at once.

    Queue     at-least-once messages between stations
    Batches   store: batches, their pages and their closing
    Runs      store: settling and counting
    Leases    store: runs that live long, or wait
    Frontier  store: the window of a concurrency limit, the turns of a rate
    Letters   store: what died, for people to look at
    Flows     store: flows that were registered as data
    Events    telling those outside what has happened to a batch
    Blobs     bytes too large for a document
    Collections  documents of others in the engine's database, where it has one
    Clock     time, so that tests can hold it still
    Ids       names and chance, likewise
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from fanfold.domain.batch import Batch, BatchState, Claim
from fanfold.domain.collection_query import CollectionQuery
from fanfold.domain.event import Event
from fanfold.domain.frontier import Release, Window
from fanfold.domain.letter import Letter
from fanfold.domain.lineage import Kind
from fanfold.domain.priority import Priority
from fanfold.domain.rate import Turns
from fanfold.domain.records import Page, Record
from fanfold.domain.registered import Registered
from fanfold.domain.run import Live, Run, RunState
from fanfold.domain.settling import Effort, Recount, Settled, Verdict
from fanfold.domain.source import Checkpoint
from fanfold.domain.tally import Tally

#: Deliveries of one message before it goes to the dead letters.
MAX_DELIVERIES = 20
#: the attribute of a message that says which station it is for, also once it is a dead letter
ORIGIN = "fanfold_station"
#: A run's document, its log and error included, must fit in this.
MAX_OUTCOME_BYTES = 1024 * 1024 - 16 * 1024


class Station(StrEnum):
    """Stations never call each other: they meet in messages."""

    FAN_OUT = "fan-out"
    RUNS = "runs"
    FINALIZATIONS = "finalizations"
    DEAD_LETTERS = "dead-letters"


#: whose messages are pulled by the class of their batch
CLASSED = frozenset({Station.RUNS})


def class_at(station: Station, priority: Priority) -> Priority:
    """What messages of a batch of this priority are there."""
    return priority if station in CLASSED else Priority.NORMAL


@dataclass(slots=True, unsafe_hash=True)  # frozen in use: freezing it triples its price
class Delivery:
    """A message in somebody's hand, until it is acked, released or its lease ends."""

    station: Station
    body: bytes
    #: 1 for the first delivery
    attempt: int
    #: the engine's own name for this delivery
    token: str
    #: the station it was for, when it comes as a dead letter
    origin: Station | None = None
    #: names the message, the same for all its deliveries; a message published twice has two
    message_id: str = ""
    #: whose work it is, where somebody traces it (fanfold.trace)
    trace: str = ""


class Queue(Protocol):
    """At least once, in no order anybody may rely on, but that of classes."""

    def publish(
        self,
        station: Station,
        batch_id: str,
        bodies: Sequence[bytes],
        priority: Priority = Priority.NORMAL,
    ) -> None:
        """Durable when it returns. Repeating it makes second messages. The priority counts where
        messages are CLASSED."""

    def pull(self, station: Station, limit: int, wait: float = 0.0) -> list[Delivery]:
        """Up to `limit` messages, leased to the caller; waits `wait` seconds for the first. Of a
        lower class none as long as it is known that there are higher ones."""

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Done with them. An ack may be lost: what is acked may still be delivered again."""

    def release(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:
        """Not done: deliver them again, no sooner than in `delay` seconds. Counts as a delivery."""

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        """Still at it: renew the leases."""

    def bury(self, deliveries: Sequence[Delivery]) -> None:
        """Cannot be worked on, ever: to the dead letters."""

    def condemn(self, station: Station, body: bytes) -> None:
        """To the dead letters, what came for `station` otherwise than by a pull."""

    def backlog(self, station: Station) -> int | None:
        """How many messages lie there or are leased; None where that cannot be known."""


class Batches(Protocol):
    def create(self, batch: Batch) -> Batch:
        """Store it, unless there is one of this id: the stored one wins and is returned."""

    def get(self, batch_id: str) -> Batch:
        """Raises BatchNotFound."""

    def find(
        self,
        states: Collection[BatchState] | None = None,
        limit: int = 100,
        before: str = "",
        kinds: Collection[Kind] | None = None,
        parent: str | None = None,
    ) -> list[Batch]:
        """Newest first, from the one after batch `before` on. `parent`: the children of the runs of
        this batch, of whatever kind and state."""

    def followers(self, batch_id: str) -> list[Batch]:
        """Those that wait for it (following.awaited), in whatever order."""

    def amend(self, batch_id: str, arrow: Callable[[Batch], Batch]) -> Batch:
        """Read, apply, write, in one transaction. `arrow` is pure and may be called again; what it
        raises is raised here and nothing is written."""

    def reopen(self, batch_id: str, arrow: Callable[[Batch], Batch]) -> Batch:
        """The same, for a new generation: none of its positions is released."""

    def append(self, page: Page, before: Checkpoint, after: Checkpoint) -> Batch:
        """Store a page and move the checkpoint in one commit (paging.move_checkpoint)."""

    def records(self, batch_id: str, start: int, stop: int) -> Iterator[Record]:
        """The records of [start, stop), streamed."""

    def erase(self, batch_id: str, start: int, stop: int) -> None:
        """What is stored of the records [start, stop): runs, lives, and pages that begin there."""

    def forget(self, batch_id: str) -> None:
        """The batch itself, whose records are erased."""

    def close(self, batch_id: str, generation: int, claim: Claim, now: float) -> Batch:
        """Close the tally, if it may be: batch.close, with the slots deleted in the same commit.

        The caller reads the answer: still open, it was too early (and nothing changed); finalizing
        under the caller's claim, it is the caller's to finish; under another, it is not; ended.
        """


class Runs(Protocol):
    #: how many reads it is worth having under way beside the one that is waited for
    reads_ahead: int

    def settle(
        self,
        batch: Batch,
        runs: Sequence[Run],
        leased: Collection[int] = (),
        effort: Effort | None = None,
    ) -> list[Verdict]:
        """Create each run's document and count it, all in one commit, each once.

        Raises OutcomeRefused, and writes nothing, if the content of one cannot be stored. Ends the
        leases and waits of the runs named in `leased`; an engine that finds others may end those.
        """

    def read(self, batch_id: str, indexes: Iterable[int]) -> dict[int, Run]:
        """Those of the runs that are settled."""

    def outcomes(self, batch_id: str, start: int, stop: int) -> Iterable[Settled]:
        """Those of the runs [start, stop) that are settled, in order: all that a fold reads."""

    def in_state(self, batch_id: str, state: RunState) -> Iterator[Run]:
        """The settled runs that have ended so, streamed, in whatever order."""

    def clear(self, batch: Batch, indexes: Sequence[int]) -> None:
        """Remove what older generations than the batch's left of these runs."""

    def settled(self, batch_id: str) -> int:
        """How many are settled in this generation, by the cheapest read there is: asked at the end
        of every pipe."""

    def spent(self, batch_id: str) -> int:
        """What those have cost that are settled in this generation, likewise."""

    def tally(self, batch_id: str) -> Tally:
        """What is kept of older generations and the sum of the slots, or the closed counts."""

    def recount(self, batch_id: str) -> Recount:
        """From the runs' documents alone."""

    def slowest(self, batch_id: str, limit: int) -> list[Run]:
        """Of the settled ones, those that took longest, the longest first."""


class Leases(Protocol):
    """Runs that live long enough to be interrupted."""

    def running(self, batch_id: str, now: float) -> int:
        """How many runs somebody is at."""

    def hold(self, batch: Batch, lives: Sequence[Live]) -> None:
        """Write or renew leases of runs that are not settled and do not wait."""

    def take(self, batch: Batch, live: Live, now: float) -> bool:
        """Lease a run to its owner and to nobody else (run.is_free), unless it is settled; whether
        it is theirs."""

    def wait(self, batch: Batch, lives: Sequence[Live]) -> None:
        """Put runs to wait and count them so, in one commit; one that waits already, or is
        settled, stays as it is."""

    def wake(self, batch: Batch, now: float, until: float, limit: int) -> list[Live]:
        """Queue again, in one commit, what waited and is due and whose lease has ended; the caller
        publishes them. With a concurrency limit what waited is woken by `advance` instead."""

    def due(self, now: float) -> set[str] | None:
        """The batches of which a run may be woken; None where there are too many to tell."""

    def clear(self, batch: Batch) -> None:
        """Remove what older generations than the batch's left. What they write later is passed
        over: nobody wakes it."""

    def waiting(self, batch_id: str) -> Iterator[Live]:
        """Those that wait, of whatever generation, streamed."""

    def amend(self, batch_id: str, index: int, arrow: Callable[[Live], Live]) -> Live | None:
        """Change a run's live document, in one transaction, as `Batches.amend` does a batch; None
        if it has none. Its state stays what it is."""

    def lives(self, batch_id: str, indexes: Iterable[int]) -> dict[int, Live]:
        """Those of the runs that have a live document."""


class Frontier(Protocol):
    """A concurrency limit's window, and a rate's turns."""

    def advance(
        self, batch: Batch, token: str, record: int | None, done: Collection[str], now: float
    ) -> Release | None:
        """Release what the concurrency limit allows (frontier.grant) in one compare-and-set, and
        forget the releases named in `done`. None when there is nothing to release."""

    def window(self, batch_id: str) -> Window:
        """The frontier, with the releases that may not be published."""

    def reserve(self, batch_id: str, turns: int, step: float, ahead: float, now: float) -> Turns:
        """Of the turns that a rate gives, the next ones (rate.reserve), to the caller and nobody
        else, in one compare-and-set. What a reply that is lost held is lost. Nothing is written
        where there is none."""


class Letters(Protocol):
    """Dead letters, kept until they are pruned."""

    def keep(self, letter: Letter) -> Letter:
        """Store it, unless there is one of this id: the stored one wins and is returned."""

    def get(self, letter_id: str) -> Letter:
        """Raises LetterNotFound."""

    def find(self, batch_id: str | None = None, limit: int = 100, before: str = "") -> list[Letter]:
        """Newest first, from the one after letter `before` on; those of one batch, or all."""

    def mark(self, letter_id: str, now: float) -> Letter:
        """It has been brought back; of several who say so the first one's time stays. Raises
        LetterNotFound."""

    def forget(self, letter_id: str) -> None:
        """Gone, if it was there."""


class Flows(Protocol):
    """Flows that were registered as data, by their ids (registered.flow_id_of)."""

    def add(self, flow: Registered) -> Registered:
        """Store it, unless there is one of this id: the stored one wins and is returned."""

    def get(self, flow_id: str) -> Registered:
        """Raises FlowNotFound."""

    def find(self, limit: int = 100, after: str = "") -> list[Registered]:
        """By id, from the one behind `after` on."""

    def amend(self, flow_id: str, arrow: Callable[[Registered], Registered]) -> Registered:
        """Read, apply, write, in one transaction, as `Batches.amend` does. Raises FlowNotFound."""

    def remove(self, flow_id: str) -> None:
        """Gone, if it was there. Its batches keep what they were started with."""


class Events(Protocol):
    #: whether anybody can listen; if not, nobody need be told, and the batch can be read
    go_out: bool

    def publish(self, events: Sequence[Event]) -> None:
        """Durable when it returns. Repeating it tells of the same events again."""


class Blobs(Protocol):
    def __hash__(self) -> int:
        """Any two are different: what is kept of one is not the other's."""

    def write(self, name: str, chunks: Iterable[bytes]) -> int:
        """Store them under `name`, whole or not at all; the size. A blob of this name is
        replaced."""

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Its bytes from `offset` on, streamed. Raises BlobNotFound."""

    def delete(self, name: str) -> None:
        """Gone, if it was there."""


class Collections(Protocol):
    """Reading what somebody else keeps in the engine's database."""

    def documents(self, query: CollectionQuery) -> Iterator[tuple[str, dict[str, Any]]]:
        """Id and JSON data of each, in the order asked for, streamed in constant memory."""


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970."""


class Ids(Protocol):
    def batch_id(self) -> str: ...

    def token(self) -> str:
        """Short and unique."""

    def uniform(self) -> float:
        """In [0, 1)."""


@dataclass(frozen=True, slots=True)
class Ports:
    """An engine, as the steps see it."""

    queue: Queue
    batches: Batches
    runs: Runs
    leases: Leases
    frontier: Frontier
    letters: Letters
    flows: Flows
    events: Events
    blobs: Blobs
    clock: Clock
    ids: Ids
    #: names this process in leases and claims
    owner: str
    #: how many slots a new batch's counters are split over
    slots: int = 1
    #: a database of documents that are not ours; None: the engine has none
    collections: Collections | None = None
