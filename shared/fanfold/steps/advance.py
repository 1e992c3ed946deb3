"""advance: let go what the concurrency limit allows, and publish it.

Release and publish are two commits, the release first. In between, the window's outbox remembers
the release under its token. If the process dies there, the message whose settling made the release
is delivered again, finds its record settled, and `repair` publishes what the outbox names; a
release by nobody's message (the fan-out's, the sweep's) is repaired by those. Messages of a repair
count the deliveries of the message that does it as theirs, so that whoever gets them looks first,
and a record that kills its processes comes to run alone however often it is published.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from fanfold.domain.batch import Batch
from fanfold.domain.frontier import Release
from fanfold.domain.messages import encode_run
from fanfold.domain.order import is_dispatchable
from fanfold.errors import EngineError
from fanfold.ports import Ports, Station
from fanfold.steps.canary import judged
from fanfold.steps.dispatch import indexes_at
from fanfold.steps.nearby import records_at

#: messages of one publish call
_PUBLISH = 500
#: by batch, the releases of a process whose messages are out
Outbox = dict[str, list[str]]
#: of what was published before, and may have been at work
REPEATED = 2


def advance(ports: Ports, batch: Batch, record: int | None, done: Collection[str] = ()) -> int:
    """Release and publish until the limit is reached; how many were published. `done` names
    releases whose messages are out; its own it strikes off by asking once more."""
    if batch.options.concurrency is None:
        return 0
    batch = judged(ports, _with_its_order(ports, batch, record))
    if not is_dispatchable(batch):
        return 0
    published = 0
    while True:
        release = ports.frontier.advance(batch, ports.ids.token(), record, done, ports.clock.now())
        if release is None:
            return published
        publish_release(ports, batch, release)
        published += len(release)
        done = [release.token]


def advance_once(ports: Ports, batch: Batch, record: int | None, outbox: Outbox) -> int:
    """The same in one compare-and-set, for whoever comes again soon: what it publishes is struck
    off by its next one. Every settle is followed by an advance that sees it, so none need ask
    twice."""
    if batch.options.concurrency is None:
        return 0
    batch = judged(ports, _with_its_order(ports, batch, record))
    if not is_dispatchable(batch):
        return 0
    done = outbox.pop(batch.id, [])
    try:
        release = ports.frontier.advance(batch, ports.ids.token(), record, done, ports.clock.now())
    except EngineError:
        outbox[batch.id] = done
        raise
    if release is None:
        return 0
    publish_release(ports, batch, release)
    outbox[batch.id] = [release.token]
    return len(release)


def _with_its_order(ports: Ports, batch: Batch, record: int | None) -> Batch:
    """Where a record has run the batch has an order, though it may not be known here yet: who is at
    a run of an older generation may read the batch between a retry and its dispatch."""
    if record is None or is_dispatchable(batch):
        return batch
    return ports.batches.get(batch.id)


def repair(
    ports: Ports, batch: Batch, concerns: Callable[[Release], bool], attempt: int = REPEATED
) -> int:
    """Publish again the releases of the outbox that concern the caller, whose `attempt` it is."""
    if batch.options.concurrency is None:
        return 0
    pending = [
        release for release in ports.frontier.window(batch.id).pending.values() if concerns(release)
    ]
    if pending and not is_dispatchable(batch):
        # what the caller knows of the batch is older than its order, where these have their places
        batch = ports.batches.get(batch.id)
    for release in pending:
        publish_release(ports, batch, release, max(REPEATED, attempt))
    if pending:
        advance(ports, batch, None, done=[release.token for release in pending])
    return len(pending)


def publish_release(ports: Ports, batch: Batch, release: Release, attempt: int = 1) -> None:
    publish_runs(ports, batch, range(release.start, release.stop), attempt)
    publish_indexes(ports, batch, release.woken, max(REPEATED, attempt))


def publish_runs(ports: Ports, batch: Batch, positions: range, attempt: int = 1) -> int:
    """One message per record; a repeat leaves out what is settled."""
    published = 0
    indexes = indexes_at(ports, batch, positions)
    records = None if isinstance(indexes, range) else records_at(ports, batch.id, indexes)
    for chunk in _chunks(indexes):
        settled = ports.runs.read(batch.id, chunk) if attempt > 1 else {}
        bodies = [
            encode_run(batch.id, batch.generation, record, attempt=attempt)
            for record in (
                ports.batches.records(batch.id, chunk[0], chunk[-1] + 1)
                if records is None
                else (records[index] for index in chunk)
            )
            if record.index not in settled
        ]
        ports.queue.publish(Station.RUNS, batch.id, bodies, batch.options.priority)
        published += len(bodies)
    return published


def publish_indexes(
    ports: Ports, batch: Batch, indexes: Iterable[int], attempt: int = REPEATED
) -> None:
    """Single records that may have run before; their lease tells."""
    for chunk in _chunks(sorted(indexes)):
        bodies = [
            encode_run(batch.id, batch.generation, record, attempt=attempt)
            for record in records_at(ports, batch.id, chunk).values()
        ]
        ports.queue.publish(Station.RUNS, batch.id, bodies, batch.options.priority)


def _chunks(indexes: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(indexes), _PUBLISH):
        yield indexes[start : start + _PUBLISH]
