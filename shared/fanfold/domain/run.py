"""A run: a flow's execution for one record.

    queued ──hold──▶ running ──settle──▶ succeeded | failed | canceled | skipped
      ▲                │
      └──wake── waiting ◀──wait──┘

| state    | who moves it on                          | after a crash                             |
|----------|------------------------------------------|-------------------------------------------|
| queued   | a worker that gets its message           | the message is delivered again            |
| running  | the worker that has it                   | its lease ends; the sweep publishes it    |
| waiting  | the sweep, or advance, when it is due    | stays; it is in `lives`                   |
| terminal | nobody, within a generation              | stays                                     |

A queued run has no document. `Live` exists for a run that lives long enough to be interrupted:
leased by a worker, waiting for its time, or published again. `Run` is written once, at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from fanfold.domain.ids import run_id_of
from fanfold.domain.outcome import Canceled, Failed, Outcome, Skipped, Succeeded
from fanfold.errors import IllegalTransition

MAX_LOG_ENTRIES = 200
MAX_LOG_CHARS = 64 * 1024


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"


TERMINAL = frozenset(
    {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED, RunState.SKIPPED},
)

#: state → arrow → states it may lead to
TRANSITIONS: dict[RunState, dict[str, frozenset[RunState]]] = {
    RunState.QUEUED: {"hold": frozenset({RunState.RUNNING}), "settle": TERMINAL},
    RunState.RUNNING: {
        "hold": frozenset({RunState.RUNNING}),
        "wait": frozenset({RunState.WAITING}),
        "wake": frozenset({RunState.QUEUED}),
        "settle": TERMINAL,
    },
    RunState.WAITING: {"wake": frozenset({RunState.QUEUED}), "settle": TERMINAL},
    **{state: {} for state in TERMINAL},
}


class NodeEvent(StrEnum):
    """What a graph tells of a node, in the log of a run that was started by itself."""

    STARTED = "node_started"
    WAITS = "node_waits"
    SUCCEEDED = "node_succeeded"
    FAILED = "node_failed"


@dataclass(frozen=True, slots=True)
class LogEntry:
    time: float
    level: str
    message: str
    #: JSON text of an object, or empty
    fields: str = ""
    #: a NodeEvent; empty for the flow's own words
    code: str = ""

    def packed(self) -> list[float | str]:
        """What it is made of again: `LogEntry(*packed)`."""
        kept: list[float | str] = [self.time, self.level, self.message, self.fields]
        return [*kept, self.code] if self.code else kept


@dataclass(slots=True, unsafe_hash=True)  # frozen in use: freezing it triples its price
class Run:
    """A settled run. Written once."""

    batch_id: str
    index: int
    generation: int
    key: str | None
    outcome: Outcome
    #: attempts that counted
    attempts: int
    started_at: float
    ended_at: float
    #: time spent inside the flow, over all attempts this process knows of
    seconds: float
    log: tuple[LogEntry, ...] = ()
    flow_version: str = ""
    #: what its flow says that it has cost, over the same attempts (domain.money)
    spent: int = 0

    @property
    def run_id(self) -> str:
        return run_id_of(self.batch_id, self.index)

    @property
    def state(self) -> RunState:
        return state_of(self.outcome)

    @property
    def traceback(self) -> str | None:
        """Where it raised, of one that failed by raising."""
        return self.outcome.failure.traceback if isinstance(self.outcome, Failed) else None


def state_of(outcome: Outcome) -> RunState:
    match outcome:
        case Succeeded():
            return RunState.SUCCEEDED
        case Failed():
            return RunState.FAILED
        case Canceled():
            return RunState.CANCELED
        case Skipped():
            return RunState.SKIPPED
        case _:
            assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Live:
    """A run that is not settled and has a document all the same."""

    batch_id: str
    index: int
    generation: int
    state: RunState
    #: running: the lease's end; waiting: when it is due; queued: when to publish it once more
    until: float
    #: whose lease it is, while running
    owner: str | None = None
    attempts: int = 0
    rate_limited: int = 0
    started_at: float = 0.0
    seconds: float = 0.0
    #: what its flow says that it has cost so far; counted once it is settled
    spent: int = 0
    #: what it remembers (domain.memo). Written, an empty one leaves what is there
    memo: str = ""


def remembering(live: Live, known: Live | None) -> Live:
    """With what is remembered already, unless it says more itself."""
    if live.memo or known is None or known.generation != live.generation:
        return live
    return replace(live, memo=known.memo)


def is_free(live: Live | None, owner: str, now: float) -> bool:
    """Whether `owner` may be at it: nobody else is, and it does not wait."""
    if live is None or live.state is RunState.QUEUED:
        return True
    return live.state is RunState.RUNNING and (
        live.owner is None or live.owner == owner or live.until <= now
    )


def hold(live: Live, owner: str, until: float) -> Live:
    """Take or renew the lease."""
    _check(live.state, "hold")
    return replace(live, state=RunState.RUNNING, owner=owner, until=until)


def wait(live: Live, until: float) -> Live:
    """Let go of it until it is due."""
    _check(live.state, "wait")
    return replace(live, state=RunState.WAITING, owner=None, until=until)


def wake(live: Live, until: float) -> Live:
    """It is due, or its lease has ended: queued again; once more at `until` if lost."""
    if live.state is RunState.QUEUED:
        return replace(live, until=until)
    _check(live.state, "wake")
    return replace(live, state=RunState.QUEUED, owner=None, until=until)


def _check(state: RunState, arrow: str) -> None:
    if arrow not in TRANSITIONS[state]:
        raise IllegalTransition(f"a {state} run cannot {arrow}")
