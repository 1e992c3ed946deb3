"""sweep: the net under everything. Harmless beside live work, bounded per pass, repeatable.

| what it finds                            | what it does                                       |
|------------------------------------------|----------------------------------------------------|
| a wait that is due, a lease that ended   | queues the run again and publishes it              |
| a release that may not be published      | publishes it again                                 |
| a batch that is not sealed, and quiet    | publishes the fan-out again                        |
| every record settled, or canceling       | asks for finalization                              |
| a deadline, or a grace, that is over     | stops the batch                                    |
| finalizing, and the claim has ended      | asks for finalization                              |
| unsettled runs, no message, all quiet    | publishes them again, some in each pass            |
| a run that waits for what has ended      | makes it due, when all is quiet                    |
| those it waits for have ended            | publishes its fan-out, or skips it                 |
| items paused, and their batch goes on    | resumes them                                       |
| an event nobody was told, progress       | tells                                              |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from fanfold import log
from fanfold.domain.batch import ENDED, Batch, BatchState
from fanfold.domain.following import Due, Missed, waits
from fanfold.domain.frontier import Release
from fanfold.domain.lineage import ASKED_FOR, Kind
from fanfold.domain.memo import decode
from fanfold.domain.order import is_dispatchable
from fanfold.domain.priority import Priority
from fanfold.domain.rate import step_of
from fanfold.domain.tally import Tally
from fanfold.errors import BatchNotFound, EngineError
from fanfold.ports import Ports, Station
from fanfold.steps.advance import REPEATED, publish_indexes, repair
from fanfold.steps.all_pages import all_pages
from fanfold.steps.ask import ask, request_finalization
from fanfold.steps.budget import end_if_done
from fanfold.steps.children import look_at_children
from fanfold.steps.dispatch import indexes_at
from fanfold.steps.follow import bring_on
from fanfold.steps.pause import resume_with_parent
from fanfold.steps.policy import Policy
from fanfold.steps.report import report
from fanfold.steps.request import request_fan_out
from fanfold.steps.tell import tell_in_passing
from fanfold.steps.wake import stands_still, wake_due

_CHUNK = 500
_PAGE = 1000
_OPEN = tuple(it for it in BatchState if it not in ENDED)
#: Where a queue does not tell what lies there, a batch whose runs wait behind those of a higher
#: class looks as one whose messages are lost. It is given so many times as long to move.
_BEHIND = 10
#: of a batch with a rate: turns in which nothing has come of it
_TURNS = 2


@dataclass(frozen=True, slots=True)
class Swept:
    """What a pass did."""

    woken: int = 0
    republished: int = 0
    released: int = 0
    asked: int = 0
    fan_outs: int = 0

    def __bool__(self) -> bool:
        return any((self.woken, self.republished, self.released, self.asked, self.fan_outs))


@dataclass(slots=True)
class Still:
    seen: tuple[Tally, int]
    since: float
    told: float


@dataclass(slots=True)
class Memory:
    """What the last pass saw, to tell quiet from slow. Losing it costs one pass."""

    seen: dict[str, tuple[Tally, int, float]] = field(default_factory=dict)
    #: where the next pass goes on looking for unsettled runs
    cursor: dict[str, int] = field(default_factory=dict)
    #: since when nothing of a batch has changed, and when that was last said
    still: dict[str, Still] = field(default_factory=dict)
    #: when a batch of the class was last seen to have moved
    moved_at: dict[Priority, float] = field(default_factory=dict)

    def is_behind(self, batch: Batch, since: float) -> bool:
        """Whether one of a higher class has moved since then."""
        rank = batch.options.priority.rank
        return any(at >= since for it, at in self.moved_at.items() if it.rank < rank)


def go_round(ports: Ports, policy: Policy) -> None:
    """What is to be done for open batches every second or so. One that cannot be worked on holds up
    none of the others. Of items there may be many batches, and mostly nothing of them is due: that
    is asked once for all, and they are left alone otherwise."""
    due = ports.leases.due(ports.clock.now())
    batches = every_open_batch(ports) if due is None else _with_due(ports, due)
    for batch in batches:
        try:
            if batch.is_open and not end_if_done(ports, batch):
                if due is None or batch.id in due or batch.kind is not Kind.CHILD:
                    wake_due(ports, policy, batch)
                report(ports, policy, batch)  # last: nobody waits for it
        except EngineError as error:
            log.warning("clerk.failed", str(error), batch_id=batch.id)


def open_batches(ports: Ports) -> list[Batch]:
    """The newest of those that somebody asked for."""
    return ports.batches.find(_OPEN, limit=_PAGE, kinds=ASKED_FOR)


def every_open_batch(ports: Ports) -> Iterator[Batch]:
    """Also those of items, however many."""
    return all_pages(lambda it: ports.batches.find(_OPEN, limit=_PAGE, before=it))


def _with_due(ports: Ports, due: set[str]) -> Iterator[Batch]:
    batches = open_batches(ports)
    yield from batches
    for batch_id in sorted(due - {batch.id for batch in batches}):
        with suppress(BatchNotFound):
            yield ports.batches.get(batch_id)


def sweep(ports: Ports, policy: Policy, memory: Memory) -> Swept:
    """One pass over the batches that have not ended. One that cannot be worked on holds up none of
    the others; what was wrong with it is raised in the end."""
    total = Swept()
    problem: EngineError | None = None
    # higher classes first: whether they have moved is asked for the lower ones
    batches = sorted(every_open_batch(ports), key=lambda it: it.options.priority.rank)
    for batch in batches:
        try:
            did = _sweep_one(ports, policy, memory, batch)
            tell_in_passing(ports, batch)
            report(ports, policy, batch)
        except EngineError as error:
            log.warning("sweep.failed", str(error), batch_id=batch.id)
            problem = problem or error
            continue
        total = Swept(
            total.woken + did.woken,
            total.republished + did.republished,
            total.released + did.released,
            total.asked + did.asked,
            total.fan_outs + did.fan_outs,
        )
    known = {batch.id for batch in batches}
    for batch_id in {*memory.seen, *memory.still} - known:
        memory.seen.pop(batch_id, None)
        memory.cursor.pop(batch_id, None)
        memory.still.pop(batch_id, None)
    if problem is not None:
        raise problem
    return total


def _sweep_one(ports: Ports, policy: Policy, memory: Memory, batch: Batch) -> Swept:
    now = ports.clock.now()
    tally = ports.runs.tally(batch.id) if batch.is_open else batch.closed or Tally()
    _tell_if_stuck(policy, memory, batch, tally, now)
    if not batch.is_open:
        return _sweep_closing(ports, batch, now)
    if end_if_done(ports, batch):
        return Swept(asked=1)
    if resume_with_parent(ports, batch):
        return Swept(republished=1)
    if stands_still(batch):
        return _sweep_standing(ports, batch)
    woken = wake_due(ports, policy, batch)
    released = repair(ports, batch, partial(_is_left_over, policy, now))
    if ask(ports, batch):
        return Swept(woken=woken, released=released, asked=1)
    if woken or released:  # something goes on: quiet begins anew
        memory.seen.pop(batch.id, None)
        return Swept(woken=woken, released=released)
    if not _is_quiet(ports, policy, memory, batch, tally, now):
        return Swept()
    if not batch.sealed or not is_dispatchable(batch):
        request_fan_out(ports, batch, attempt=REPEATED)
        return Swept(fan_outs=1)
    if tally.waiting:
        _look_at_those_that_wait(ports, batch)
    return Swept(republished=_republish(ports, policy, memory, batch))


def _look_at_those_that_wait(ports: Ports, batch: Batch) -> None:
    """For items that have ended, and nobody was woken."""
    for live in ports.leases.waiting(batch.id):
        if live.generation == batch.generation and live.memo:
            look_at_children(ports, batch, live.index, decode(live.memo))


def _sweep_closing(ports: Ports, batch: Batch, now: float) -> Swept:
    """It is canceling, or finalizing, which somebody may be at."""
    if batch.state is BatchState.FINALIZING and batch.claim and batch.claim.until > now:
        return Swept()
    request_finalization(ports, batch)
    return Swept(asked=1)


def _sweep_standing(ports: Ports, batch: Batch) -> Swept:
    if not waits(batch):
        return Swept(asked=int(ask(ports, batch)))
    match bring_on(ports, batch):
        case Due():
            request_fan_out(ports, batch)
            return Swept(fan_outs=1)
        case Missed():
            return Swept(asked=1)
        case _:
            return Swept()


def _tell_if_stuck(policy: Policy, memory: Memory, batch: Batch, tally: Tally, now: float) -> None:
    """For people: the sweep goes on doing what it can. What is paused, or waits for its time, is
    not stuck."""
    seen = (tally, batch.checkpoint.pages)
    still = memory.still.get(batch.id)
    is_meant = batch.state is BatchState.PAUSED or waits(batch) or tally.waiting > 0
    if still is None or still.seen != seen or is_meant:
        memory.still[batch.id] = Still(seen, now, now)
    elif now - still.told >= policy.stuck_seconds:
        still.told = now
        minutes = (now - still.since) / 60
        text = f"nothing of it has moved for {minutes:.0f} minutes"
        log.warning("batch.stuck", text, batch_id=batch.id, state=str(batch.state))


def _is_left_over(policy: Policy, now: float, release: Release) -> bool:
    """A record's release is struck off by its process when it settles again, which may take long.
    One that was made in passing is struck off as soon as it is published."""
    patience = policy.orphan_seconds if release.record is None else policy.quiet_seconds
    return release.at <= now - patience


def _is_quiet(
    ports: Ports, policy: Policy, memory: Memory, batch: Batch, tally: Tally, now: float
) -> bool:
    """Nothing has changed for a while, and no message of its kind is left, where that can be told.
    A run that somebody is at for so long has a lease, and is left alone for that."""
    pages = batch.checkpoint.pages
    seen = memory.seen.get(batch.id)
    if seen is None or (seen[0], seen[1]) != (tally, pages):
        memory.seen[batch.id] = (tally, pages, now)
        if seen is not None:
            memory.moved_at[batch.options.priority] = now
        return False
    is_behind = memory.is_behind(batch, now - policy.quiet_seconds)
    patience = policy.quiet_seconds * (_BEHIND if is_behind else 1)
    if batch.options.rate is not None:  # its messages are held until it is their turn
        patience += _TURNS * step_of(batch.options.rate)
    if now - seen[2] < patience:
        return False
    stations = (Station.RUNS, Station.FAN_OUT) if batch.sealed else (Station.FAN_OUT,)
    return not any(ports.queue.backlog(station) for station in stations)


def _republish(ports: Ports, policy: Policy, memory: Memory, batch: Batch) -> int:
    """Unsettled runs that no message and no lease stands for."""
    limited = batch.options.concurrency is not None
    stop = ports.frontier.window(batch.id).released if limited else batch.positions
    start = memory.cursor.get(batch.id, 0)
    lost: list[int] = []
    while start < stop and len(lost) < policy.sweep_limit:
        chunk = range(start, min(start + _CHUNK, stop))
        indexes = indexes_at(ports, batch, chunk)
        settled = ports.runs.read(batch.id, indexes)
        lives = ports.leases.lives(batch.id, indexes)
        lost += [index for index in indexes if index not in settled and index not in lives]
        start = chunk.stop
    memory.cursor[batch.id] = 0 if start >= stop else start
    publish_indexes(ports, batch, lost)
    memory.seen.pop(batch.id, None)
    return len(lost)
