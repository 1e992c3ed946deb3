"""fan_out: from the source to pages, from pages to one message per record.

The source is read in constant memory from the checkpoint on. A page and the checkpoint behind it
are one commit, so pages cannot differ, however many work on the same batch.

*Whoever stores page n has published page n-1 before.* So at most the last page can lack its
message, and whoever takes over publishes that one again, marked so. Within a time limit the
fan-out hands on to its own next message, saying up to which page it has published.

| a crash here                    | what happens                                         |
|---------------------------------|------------------------------------------------------|
| before a page is stored         | the redelivered message reads on from the checkpoint |
| between a page and its message  | whoever takes over publishes the last page again     |
| after the seal, before the ask  | the redelivered message finds it sealed, and asks    |

With a concurrency limit no page is published: the window is advanced instead. A shuffled batch has
an order only once it is sealed: what pages are to others, stretches of that order are to it, and
they are published behind the seal. Whoever finds it sealed publishes them again, marked so.

Where records have priorities of their own, that order is made behind the seal (steps.rank), on a
message of its own if the time of the one that sealed it is over.

A retry has nothing to read: what older generations left of its records is removed, within the same
time limit, and then they are published as those of a shuffled batch are.

A batch that waits for others is not begun, whoever sent the message (steps.follow).

The pages are steps.paging's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from fanfold import log
from fanfold.domain import announce, following, retrying
from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Ending
from fanfold.domain.messages import FanOutMessage, PageMessage
from fanfold.domain.order import is_dispatchable
from fanfold.domain.source import Checkpoint
from fanfold.errors import BlobNotFound, Contended, IllegalTransition, SourceInvalid
from fanfold.ports import Ports, Station
from fanfold.steps.advance import REPEATED, advance, publish_runs, repair
from fanfold.steps.ask import ask
from fanfold.steps.children import stop_if_orphaned
from fanfold.steps.dispatch import stretches
from fanfold.steps.follow import may_begin
from fanfold.steps.paging import pages_behind
from fanfold.steps.rank import rank
from fanfold.steps.request import request_fan_out
from fanfold.steps.retry import clear
from fanfold.steps.tell import tell_in_passing


def fan_out(
    ports: Ports, message: FanOutMessage, out_of_time: Callable[[], bool], attempt: int = 1
) -> None:
    """Page the source and seal it, or hand on when out of time. May be repeated at any point."""
    batch = ports.batches.get(message.batch_id)
    if batch.generation != message.generation or not may_begin(ports, batch):
        return
    if stop_if_orphaned(ports, batch) or not batch.is_open:
        ask(ports, ports.batches.get(batch.id))
        return
    was_ready = is_dispatchable(batch)
    try:
        begin = partial(_begin, seen=batch, now=ports.clock.now())
        batch = ports.batches.amend(batch.id, begin)
        batch = tell_in_passing(ports, batch)
        repair(ports, batch, lambda release: release.record is None, attempt)
        has_read = not batch.sealed
        while not batch.sealed:
            batch = _read_on(ports, batch, message.published, out_of_time)
            if out_of_time() and not batch.sealed:
                request_fan_out(ports, batch, batch.checkpoint.pages)
                return
        if not is_dispatchable(batch):
            ready = _made_ready(ports, batch, message.published, has_read, out_of_time)
            if ready is None:
                return
            batch = ready
    except IllegalTransition:  # it was stopped meanwhile: what has been paged is its total
        batch = ports.batches.get(message.batch_id)
    except (SourceInvalid, BlobNotFound) as problem:
        batch = fail_source(ports, batch, str(problem))
    if batch.is_open:
        _publish_stretches(ports, batch, max(attempt, REPEATED) if was_ready else attempt)
    advance(ports, batch, None)
    ask(ports, batch)


def _begin(batch: Batch, seen: Batch, now: float) -> Batch:
    return announce.start(following.begin(batch, seen), now)


def _read_on(ports: Ports, batch: Batch, published: int, out_of_time: Callable[[], bool]) -> Batch:
    """From the checkpoint on, until the end, out of time or overtaken; the batch as it then is."""
    before = batch.checkpoint
    if before.pages > published:
        _publish_page(ports, batch, before, REPEATED)
    for page, after in pages_behind(ports, batch):
        try:
            batch = ports.batches.append(page, before, after)
        except Contended:  # another one works on it too: go on behind what it stored
            return ports.batches.get(batch.id)
        _publish_page(ports, batch, after)
        before = after
        if out_of_time():
            return batch
    try:
        return ports.batches.amend(batch.id, partial(rules.seal, checkpoint=before))
    except Contended:
        return ports.batches.get(batch.id)


def _made_ready(
    ports: Ports, batch: Batch, done: int, has_read: bool, out_of_time: Callable[[], bool]
) -> Batch | None:
    """It may be dispatched; None: handed on."""
    if batch.chosen is None:
        ranked = None if has_read and out_of_time() else rank(ports, batch, out_of_time)
        if ranked is None:
            request_fan_out(ports, batch, batch.checkpoint.pages)
        return ranked
    cleared = clear(ports, batch, done, out_of_time)
    if cleared < batch.chosen.records:
        request_fan_out(ports, batch, cleared)
        return None
    return ports.batches.amend(batch.id, retrying.clear)


def publish_page(ports: Ports, message: PageMessage, attempt: int = 1) -> None:
    """The runs of one page. A repeat leaves out what is settled and marks the rest."""
    batch = ports.batches.get(message.batch_id)
    if batch.generation != message.generation or not batch.is_open:
        return
    if batch.state is BatchState.PAUSED:  # resuming publishes them all
        return
    positions = range(message.start, message.stop)
    publish_runs(ports, batch, positions, message.attempt + attempt - 1)


def fail_source(ports: Ports, batch: Batch, reason: str) -> Batch:
    """The source cannot be read on: what is settled is kept, the batch fails. Then ask."""
    log.error("fan_out.failed", reason, batch_id=batch.id)
    ending = Ending(BatchState.FAILED, f"the source could not be read: {reason}")
    return ports.batches.amend(batch.id, partial(rules.stop, ending=ending))


def _publish_page(ports: Ports, batch: Batch, checkpoint: Checkpoint, attempt: int = 1) -> None:
    if batch.options.concurrency is not None:
        advance(ports, batch, None)
    elif is_dispatchable(batch):
        positions = range(checkpoint.last_page, checkpoint.records)
        request_runs(ports, batch, [positions], attempt)


def _publish_stretches(ports: Ports, batch: Batch, attempt: int) -> None:
    is_ordered = batch.options.shuffle or batch.order
    if is_ordered and batch.options.concurrency is None:
        request_runs(ports, batch, stretches(batch), attempt)


def request_runs(ports: Ports, batch: Batch, stretches: Iterable[range], attempt: int) -> None:
    """Ask for the runs of each stretch to be published."""
    messages = [
        PageMessage(
            batch_id=batch.id,
            generation=batch.generation,
            start=it.start,
            stop=it.stop,
            attempt=attempt,
        ).encode()
        for it in stretches
    ]
    if messages:
        ports.queue.publish(Station.FAN_OUT, batch.id, messages)
