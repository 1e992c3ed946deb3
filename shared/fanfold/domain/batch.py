"""A batch: one use of a flow over all records of a source. Its states, as one table.

    pending ──start──▶ running ⇄ paused            (pause, resume)
       │ └──────────pause──────────▲
       │                  │        │
       └──────stop────────┼────────┤
                          │        ▼
                          │    canceling
                          ▼        │
                    close ▶ finalizing ──end──▶ completed | failed | canceled | expired | skipped

    completed | failed ──refold──▶ completed | failed
    completed | failed | canceled | expired | skipped ──retry──▶ pending
    paused ──wait──▶ pending

| state      | who moves it on                              | after a crash                        |
|------------|----------------------------------------------|--------------------------------------|
| pending    | fan_out, when it gets the message; of one    | the message is delivered again       |
|            | that waits (domain.following), who ends last |                                      |
| running    | whoever finds the sum equal to the total     | every redelivery asks again          |
| paused     | the user                                     | stays                                |
| canceling  | finalize, at once                            | the message is delivered again       |
| finalizing | the finalizer that holds the claim           | the next delivery, once it has ended |
| ended      | nobody, within a generation; its fold may be | stays, with the output it had        |
|            | called again, and a retry opens the next one |                                      |

The reason is separate from the state: `ending` says what a batch that was stopped will become and
why. One function per arrow (`retry` is in domain.retrying, `wait` in domain.following); each raises
IllegalTransition where the table has none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from fanfold.domain.certificate import Certificate
from fanfold.domain.event import Event
from fanfold.domain.flow import FlowRef
from fanfold.domain.generation import Chosen, Past
from fanfold.domain.lineage import Kind, Parent
from fanfold.domain.options import BatchOptions
from fanfold.domain.outcome import Failure, Value
from fanfold.domain.source import Checkpoint, Source
from fanfold.domain.tally import Tally
from fanfold.errors import Contended, IllegalTransition


class BatchState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELING = "canceling"
    FINALIZING = "finalizing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"
    SKIPPED = "skipped"


ENDED = frozenset(
    {
        *(BatchState.COMPLETED, BatchState.FAILED),
        *(BatchState.CANCELED, BatchState.EXPIRED, BatchState.SKIPPED),
    }
)
#: Results may land only while a batch is in one of these.
OPEN = frozenset({BatchState.PENDING, BatchState.RUNNING, BatchState.PAUSED})

_STOP = frozenset({BatchState.CANCELING})
_CLOSE = frozenset({BatchState.FINALIZING})
_FOLDED = frozenset({BatchState.COMPLETED, BatchState.FAILED})
_RETRY = frozenset({BatchState.PENDING})

#: state → arrow → states it may lead to
TRANSITIONS: dict[BatchState, dict[str, frozenset[BatchState]]] = {
    BatchState.PENDING: {
        "start": frozenset({BatchState.RUNNING}),
        "pause": frozenset({BatchState.PAUSED}),
        "stop": _STOP,
    },
    BatchState.RUNNING: {
        "pause": frozenset({BatchState.PAUSED}),
        "stop": _STOP,
        "close": _CLOSE,
    },
    BatchState.PAUSED: {
        "resume": frozenset({BatchState.RUNNING}),
        "wait": frozenset({BatchState.PENDING}),
        "stop": _STOP,
        "close": _CLOSE,
    },
    BatchState.CANCELING: {"close": _CLOSE},
    BatchState.FINALIZING: {"end": ENDED},
    BatchState.COMPLETED: {"refold": _FOLDED, "retry": _RETRY},
    BatchState.FAILED: {"refold": _FOLDED, "retry": _RETRY},
    BatchState.CANCELED: {"retry": _RETRY},
    BatchState.EXPIRED: {"retry": _RETRY},
    BatchState.SKIPPED: {"retry": _RETRY},
}


@dataclass(frozen=True, slots=True)
class Ending:
    """What a stopped batch becomes, and why."""

    state: BatchState
    reason: str


@dataclass(frozen=True, slots=True)
class WindingDown:
    ending: Ending
    until: float


@dataclass(frozen=True, slots=True)
class Claim:
    """Who finalizes, and until when nobody else should."""

    owner: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    id: str
    flow: FlowRef
    source: Source
    options: BatchOptions
    #: a digest of all that was asked for, to recognise a repeated request
    request_digest: str
    created_at: float
    #: whose it is; empty: of nobody who asks over the network
    owner: str = ""
    #: whether it is one run, started by itself: a batch of one that is listed as a run
    single: bool = False
    #: of a child batch: the run whose items these are
    parent: Parent | None = None
    state: BatchState = BatchState.PENDING
    #: whether those it comes after had ended as it wants when it began: it waits no more
    followed: bool = False
    #: what it becomes once closed, if it was stopped
    ending: Ending | None = None
    #: a retry opens a new one
    generation: int = 1
    #: which records this generation runs; None: all there are
    chosen: Chosen | None = None
    #: what the records add up to that this generation leaves as they are
    kept: Tally = field(default_factory=Tally)
    #: what it was stopped as, while records which that left undone are still not run
    left_undone: Ending | None = None
    #: how the older generations ended, the last ones
    past: tuple[Past, ...] = ()
    #: the blob that holds the order of dispatch, where that is not computed (steps.dispatch)
    order: str = ""
    #: counters are split over so many
    slots: int = 1
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    #: the exact number of records, once the fan-out has sealed it
    total: int | None = None
    #: whether its canary is over: the rest may follow
    proven: bool = False
    #: why it was paused, where nobody did it by hand
    held: str = ""
    #: whether it was stopped before its source was read to its end
    cut_short: bool = False
    #: the closed counts
    closed: Tally | None = None
    claim: Claim | None = None
    fold_attempts: int = 0
    certificate: Certificate | None = None
    output: Value | None = None
    failure: Failure | None = None
    #: when what is not settled by then is skipped
    deadline_at: float | None = None
    #: what it is to be stopped as, and when at the latest: what runs may finish until then
    winding_down: WindingDown | None = None
    started_at: float | None = None
    closed_at: float | None = None
    ended_at: float | None = None
    #: when its removal began; what is left is a tombstone
    pruned_at: float | None = None
    #: what has happened to it, the last events (domain.announce)
    events: tuple[Event, ...] = ()
    #: the number of the latest event, and of the latest that whoever listens outside was told
    announced: int = 0
    told: int = 0
    #: who tells of its progress
    reporter: Claim | None = None

    @property
    def kind(self) -> Kind:
        if self.parent is not None:
            return Kind.CHILD
        return Kind.RUN if self.single else Kind.BATCH

    @property
    def is_held(self) -> bool:
        """It goes on when somebody says so."""
        return self.state is BatchState.PAUSED and self.held != ""

    @property
    def rests(self) -> bool:
        """Nothing happens to it any more, unless somebody does something."""
        return self.ended or self.is_held

    @property
    def sealed(self) -> bool:
        return self.total is not None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def known_total(self) -> int:
        """Before the seal, what has been paged."""
        return self.checkpoint.records if self.total is None else self.total

    @property
    def releasable(self) -> int:
        """How many of these places may be let go of: of a canary that is not over, its own."""
        if self.options.canary is None or self.proven:
            return self.positions
        return min(self.options.canary, self.positions)

    @property
    def positions(self) -> int:
        """How many places the order of dispatch has so far."""
        if self.chosen is None:
            return self.checkpoint.records
        return self.chosen.records if self.chosen.cleared else 0

    def is_complete(self, settled: int) -> bool:
        """With so many settled in this generation."""
        return self.total is not None and self.kept.settled + settled == self.total


# ---------------------------------------------------------------- arrows


def start(batch: Batch, now: float) -> Batch:
    """The fan-out has begun; of a batch that is paused before, too. Repeated it changes nothing."""
    if batch.state in (BatchState.RUNNING, BatchState.PAUSED):
        return batch if batch.started_at is not None else replace(batch, started_at=now)
    return replace(to_state(batch, "start", BatchState.RUNNING), started_at=now)


def pause(batch: Batch) -> Batch:
    if batch.state is BatchState.PAUSED:
        return batch
    return to_state(batch, "pause", BatchState.PAUSED)


def hold(batch: Batch, reason: str) -> Batch:
    """Paused for somebody to look, because of how its canary went; resuming it goes on."""
    return replace(pause(batch), proven=True, held=reason)


def resume(batch: Batch) -> Batch:
    if batch.state is BatchState.RUNNING:
        return batch
    if batch.winding_down is not None:
        raise IllegalTransition(f"{batch.id} is being stopped: {batch.winding_down.ending.reason}")
    return replace(to_state(batch, "resume", BatchState.RUNNING), held="")


def wind_down(batch: Batch, ending: Ending, until: float) -> Batch:
    """Nothing new starts, what runs may finish until then; the first to say so decides what it
    becomes, and the soonest when. What has not begun is stopped at once."""
    if batch.state is BatchState.PENDING:
        return stop(batch, ending)
    known = batch.winding_down
    if known is not None and known.until <= until:
        return batch
    paused = pause(batch)
    return replace(paused, winding_down=WindingDown(known.ending if known else ending, until))


def stop(batch: Batch, ending: Ending) -> Batch:
    """Nothing new starts; it will become `ending.state`. The first stop wins."""
    if batch.state is BatchState.CANCELING:
        return batch
    ending = batch.winding_down.ending if batch.winding_down is not None else ending
    return replace(to_state(batch, "stop", BatchState.CANCELING), ending=ending, winding_down=None)


def close(batch: Batch, tally: Tally, claim: Claim, now: float) -> Batch:
    """Seal the tally, of this generation's slots, for good. Only when every record is settled, or
    the batch was stopped."""
    finalizing = to_state(batch, "close", BatchState.FINALIZING)
    if batch.ending is None and not batch.is_complete(tally.settled):
        raise IllegalTransition(f"{batch.id} still has records that are not settled")
    tally = batch.kept + tally
    rest = batch.known_total - tally.settled
    ending = batch.ending or batch.left_undone
    stopped_by_user = ending is not None and ending.state is BatchState.CANCELED
    closed = replace(
        tally,
        canceled=tally.canceled + (rest if stopped_by_user else 0),
        skipped=tally.skipped + (0 if stopped_by_user else rest),
        waits=0,
        woken=0,
    )
    return replace(
        finalizing,
        closed=closed,
        total=batch.known_total,
        cut_short=batch.cut_short or not batch.sealed,
        ending=ending,
        claim=claim,
        closed_at=now,
    )


def end(
    batch: Batch,
    state: BatchState,
    now: float,
    failure: Failure | None = None,
    output: Value | None = None,
    certificate: Certificate | None = None,
) -> Batch:
    """The last arrow: the output, the certificate and the reason are written with it."""
    return replace(
        to_state(batch, "end", state),
        claim=None,
        ended_at=now,
        failure=failure,
        output=output,
        certificate=certificate,
    )


def refold(batch: Batch, generation: int, output: Value) -> Batch:
    """What the fold made when it was called again: the batch becomes what its counts say. The
    certificate and the times stay, for no record was run."""
    folded = to_state(batch, "refold", verdict(batch))
    if batch.generation != generation:
        raise Contended(f"{batch.id} has been run again since its results were read: fold it again")
    if batch.ending is not None:
        raise IllegalTransition(
            f"{batch.id} was stopped: {batch.ending.reason}. What there is of its results is not "
            "its output; `fanfold fold --with` folds it without keeping that"
        )
    if batch.certificate is None or not batch.certificate.holds:
        raise IllegalTransition(
            f"the certificate of {batch.id} does not hold, so its results are not folded: see "
            "`fanfold verify`"
        )
    return replace(folded, output=output, failure=None)


# ------------------------------------------------- changes within a state


def seal(batch: Batch, checkpoint: Checkpoint) -> Batch:
    """The source is read to its end: the total is exact from now on."""
    if batch.total is not None:
        return batch
    if not batch.is_open:
        raise IllegalTransition(f"{batch.id} is {batch.state}: it takes no more records")
    if batch.checkpoint != checkpoint:
        raise Contended(f"the fan-out of {batch.id} has moved on")
    return replace(batch, total=checkpoint.records)


def verdict(batch: Batch) -> BatchState:
    """What a closed batch becomes if nothing goes wrong any more."""
    if batch.ending is not None:
        return batch.ending.state
    counts = batch.closed or Tally()
    everything_failed = counts.settled > 0 and counts.succeeded == 0
    return BatchState.FAILED if everything_failed else BatchState.COMPLETED


def expected_digest(batch: Batch) -> int:
    """The sum over all records that are settled, if all are that are to be."""
    if batch.chosen is None:
        return batch.checkpoint.digest
    return batch.kept.digest + batch.chosen.digest


def to_state(batch: Batch, arrow: str, state: BatchState) -> Batch:
    """By an arrow of the table; what goes with it is its own function's."""
    if state not in TRANSITIONS[batch.state].get(arrow, frozenset()):
        raise IllegalTransition(
            f"{batch.id} is {batch.state}: it cannot {arrow}"
            + (f" as {state}" if arrow == "end" else "")
        )
    return replace(batch, state=state)
