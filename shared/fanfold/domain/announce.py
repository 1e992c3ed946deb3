"""The events of a batch, as part of the batch: each is written in the commit that causes it.

    announce: number, keep ─▶ [told to whoever listens: steps.tell] ─▶ have_told: nothing is owed

So no event needs a commit, a document or a clean-up of its own. There are few: four of a
generation, the last progress, and a question a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fanfold.domain.batch import Batch, BatchState, Claim, hold
from fanfold.domain.batch import start as start_batch
from fanfold.domain.event import Event, EventKind
from fanfold.domain.outcome import Failed
from fanfold.domain.run import Run
from fanfold.domain.tally import Counts, Tally, conserve

#: events that a batch keeps, the last ones: of about ten generations
MAX_EVENTS = 32
#: characters of a failure's message that an event repeats
MAX_MESSAGE = 500
#: of questions one is told of in so many seconds
ASKED_SECONDS = 60.0
#: how long whoever tells of progress is left to it
REPORTER_SECONDS = 30.0


def start(batch: Batch, now: float) -> Batch:
    """batch.start, told of when it is the first time."""
    started = start_batch(batch, now)
    if batch.started_at is not None or started.started_at is None:
        return started
    detail = {"retry_of": batch.chosen.what} if batch.chosen is not None else {}
    return announce(started, EventKind.STARTED, now, detail=detail)


def first_failure(batch: Batch, run: Run, now: float) -> Batch:
    """The first that is told of; a generation has one."""
    if knows_failure(batch) or batch.generation != run.generation:
        return batch
    if not isinstance(run.outcome, Failed):
        return batch
    if not batch.is_open and batch.state is not BatchState.CANCELING:
        return batch  # it may have been refused
    failure = run.outcome.failure
    detail = {
        "record": run.index,
        "key": run.key,
        "type": failure.type,
        "message": failure.message[:MAX_MESSAGE],
        "fingerprint": failure.fingerprint,
    }
    return announce(batch, EventKind.FIRST_FAILURE, now, detail=detail)


def asked(batch: Batch, question: str, record: int, now: float) -> Batch:
    """A run of it waits for an answer. Somebody who is told looks at all that is asked."""
    last = max((it.at for it in batch.events if it.kind is EventKind.ASKED), default=0.0)
    if now < last + ASKED_SECONDS or not batch.is_open:
        return batch
    detail = {"record": record, "question": question[:MAX_MESSAGE]}
    return announce(batch, EventKind.ASKED, now, detail=detail)


def judge(batch: Batch, failed: int, canary: int, now: float) -> Batch:
    """Its canary is over, and so many of it failed."""
    if not failed:
        return replace(batch, proven=True)
    records = f"{failed:,} of the first {canary:,} {'record' if canary == 1 else 'records'} failed"
    reason = f"{records}: resume it to go on with the rest, or cancel it"
    return announce(hold(batch, reason), EventKind.HELD, now, detail={"reason": reason})


def knows_failure(batch: Batch) -> bool:
    return any(
        it.kind is EventKind.FIRST_FAILURE and it.generation == batch.generation
        for it in batch.events
    )


def ended(batch: Batch, now: float) -> Batch:
    """The batch has just ended, or its fold was called again. Who died between counting the first
    failure and telling of it is made up for."""
    closed = batch.closed or Tally()
    if closed.failed > batch.kept.failed and not knows_failure(batch):
        batch = announce(batch, EventKind.FIRST_FAILURE, now, detail=_example(closed, batch.kept))
    detail = {
        "reason": batch.failure.message if batch.failure is not None else "",
        "seconds": round(now - (batch.started_at or batch.created_at), 3),
    }
    counts = conserve(batch.known_total, closed)
    return announce(batch, EventKind(str(batch.state)), now, counts, detail)


def progress(batch: Batch, counts: Counts, owner: str, now: float, seconds: float) -> Batch:
    """Told by one process, and nobody sooner than so many seconds after the last."""
    if not is_progress_due(batch, owner, now, seconds):
        return batch
    batch = replace(batch, reporter=Claim(owner, now + REPORTER_SECONDS))
    if last_counts(batch) == counts:
        return batch
    return announce(batch, EventKind.PROGRESS, now, counts)


def is_progress_due(batch: Batch, owner: str, now: float, seconds: float) -> bool:
    if batch.state is not BatchState.RUNNING:
        return False
    if batch.reporter is not None and batch.reporter.owner != owner and batch.reporter.until > now:
        return False
    before = [batch.started_at or now]
    before += [it.at for it in batch.events if it.kind is EventKind.PROGRESS]
    return max(before) + seconds <= now


def last_counts(batch: Batch) -> Counts | None:
    """What was told last of this generation's progress."""
    for it in reversed(batch.events):
        if it.kind is EventKind.PROGRESS and it.generation == batch.generation:
            return it.counts
    return None


def announce(
    batch: Batch,
    kind: EventKind,
    now: float,
    counts: Counts | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Batch:
    event = Event(
        batch_id=batch.id,
        sequence=batch.announced + 1,
        kind=kind,
        at=now,
        generation=batch.generation,
        flow=batch.flow.shown,
        label=batch.options.label,
        counts=counts,
        detail=detail or {},
    )
    kept = batch.events
    if kind is EventKind.PROGRESS:
        kept = tuple(it for it in kept if it.kind is not EventKind.PROGRESS)
    return replace(batch, events=(*kept, event)[-MAX_EVENTS:], announced=event.sequence)


def untold(batch: Batch) -> tuple[Event, ...]:
    return events_after(batch, batch.told)


def events_after(batch: Batch, sequence: int) -> tuple[Event, ...]:
    return tuple(it for it in batch.events if it.sequence > sequence)


def have_told(batch: Batch, sequence: int) -> Batch:
    return batch if batch.told >= sequence else replace(batch, told=sequence)


def _example(closed: Tally, kept: Tally) -> dict[str, Any]:
    """Of the failures that this generation added, one."""
    for name, group in closed.errors.items():
        known = kept.errors.get(name)
        if known is None or known.count < group.count:
            return {
                "record": group.example_index,
                "key": None,
                "type": group.type,
                "message": group.example[:MAX_MESSAGE],
                "fingerprint": group.fingerprint,
            }
    return {}
