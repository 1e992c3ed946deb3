"""What the suite needs of an engine under test, and values to test it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch
from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.outcome import Blame, Failed, Failure, Succeeded, Value
from fanfold.domain.records import Page, Record
from fanfold.domain.run import Live, Run, RunState
from fanfold.domain.source import Checkpoint, Source, advance_checkpoint
from fanfold.ports import MAX_DELIVERIES, Ports
from fanfold.testing.clock import StillClock


@dataclass(frozen=True, slots=True)
class Rig:
    #: one process' engine
    ports: Ports
    #: another's, on the same queue and store
    other: Ports
    clock: StillClock
    #: makes the leases of messages end, as time would
    expire_leases: Callable[[], None]
    #: deliveries before a message becomes a dead letter
    max_deliveries: int = MAX_DELIVERIES
    #: the next events that a listener outside hears, so many: bodies and attributes
    heard: Callable[[int], list[tuple[bytes, dict[str, str]]]] = lambda _: []


def new_batch(ports: Ports, **changes: object) -> Batch:
    """A stored batch that has been started."""
    fields: dict[str, object] = {
        "id": ports.ids.batch_id(),
        "flow": FlowRef("puppet", "1", "fanfold.testing.puppet:puppet"),
        "source": Source("blob", "records.jsonl"),
        "options": BatchOptions(),
        "request_digest": "digest",
        "created_at": ports.clock.now(),
        **changes,
    }
    batch = ports.batches.create(Batch(**fields))  # type: ignore[arg-type]
    return ports.batches.amend(batch.id, lambda it: rules.start(it, 1.0))


def with_records(ports: Ports, batch: Batch, count: int, page: int = 10) -> Batch:
    """Paged, not sealed."""
    while batch.checkpoint.records < count:
        before = batch.checkpoint
        size = min(page, count - before.records)
        batch = ports.batches.append(page_of(batch, before, size), before, after_page(before, size))
    return batch


def sealed(ports: Ports, batch: Batch) -> Batch:
    return ports.batches.amend(batch.id, lambda it: rules.seal(it, it.checkpoint))


def page_of(batch: Batch, before: Checkpoint, size: int) -> Page:
    start = before.records
    records = tuple(Record(i, f"key-{i}", f'{{"n":{i}}}') for i in range(start, start + size))
    return Page(batch.id, before.pages, start, records)


def after_page(before: Checkpoint, size: int) -> Checkpoint:
    return advance_checkpoint(before, size, before.offset + 100 * size, size)


def ok(batch: Batch, index: int, output: str = "1") -> Run:
    return Run(
        batch_id=batch.id,
        index=index,
        generation=batch.generation,
        key=f"key-{index}",
        outcome=Succeeded(Value(text=output)),
        attempts=1,
        started_at=1.0,
        ended_at=2.0,
        seconds=0.5,
    )


def failed(batch: Batch, index: int, message: str = "broken", kind: str = "ValueError") -> Run:
    run = ok(batch, index)
    failure = Failure(Blame.ERROR, kind, message, "a traceback")
    return Run(
        batch_id=run.batch_id,
        index=run.index,
        generation=run.generation,
        key=run.key,
        outcome=Failed(failure),
        attempts=3,
        started_at=1.0,
        ended_at=2.0,
        seconds=0.5,
    )


def live(batch: Batch, index: int, state: RunState, until: float, owner: str | None = None) -> Live:
    return Live(
        batch_id=batch.id,
        index=index,
        generation=batch.generation,
        state=state,
        until=until,
        owner=owner,
        attempts=2,
        rate_limited=1,
        started_at=5.0,
        seconds=0.25,
    )
