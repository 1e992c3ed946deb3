"""pause and resume: nothing new starts; then everything goes on.

With a concurrency limit pausing stops the releasing: what is released finishes. Without one the
messages are all out, and whoever gets one of a paused batch acks it, on a fresh read; so resuming
publishes whatever is not settled, stretch by stretch, marked as repeated.

| a crash here                        | what happens                                            |
|-------------------------------------|---------------------------------------------------------|
| after resume, before it is all out  | resume again publishes it again; so does the sweep      |
| a message acked just as it resumes  | it was acked on a read before the resume, which         |
|                                     | publishes everything after                              |

One that waits for others goes on waiting when it is resumed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.following import resume as resume_waiting
from fanfold.domain.following import waits
from fanfold.domain.order import is_dispatchable
from fanfold.errors import IllegalTransition
from fanfold.ports import Ports
from fanfold.steps.advance import REPEATED, advance
from fanfold.steps.ask import ask
from fanfold.steps.dispatch import stretches
from fanfold.steps.family import children_of
from fanfold.steps.fan_out import request_runs
from fanfold.steps.follow import set_off

#: why a batch of items is paused: its run's batch is
WITH_PARENT = "paused with the batch whose run it belongs to"


def pause(ports: Ports, batch_id: str) -> Batch:
    """What is paused stays so. A batch that has ended cannot be. What its runs have made of their
    items is paused with it."""
    batch = ports.batches.amend(batch_id, rules.pause)
    _pause_children(ports, batch_id)
    return batch


def _pause_children(ports: Ports, batch_id: str) -> None:
    for child in children_of(ports, batch_id):
        if child.is_open:
            with suppress(IllegalTransition):  # it has ended meanwhile
                ports.batches.amend(child.id, _pause_with)
                _pause_children(ports, child.id)


def _pause_with(child: Batch) -> Batch:
    """Unless it is paused by itself: then it stays so when its parent is resumed."""
    if child.state is BatchState.PAUSED:
        return child
    return replace(rules.pause(child), held=WITH_PARENT)


def resume_with_parent(ports: Ports, child: Batch) -> bool:
    """Whoever resumed its parent may not have lived to resume it, or it was made while its parent
    was being paused."""
    if child.state is not BatchState.PAUSED or child.parent is None or child.held != WITH_PARENT:
        return False
    if ports.batches.get(child.parent.batch_id).state is BatchState.PAUSED:
        return False
    resume(ports, child.id)
    return True


def resume(ports: Ports, batch_id: str) -> Batch:
    """May be repeated: what is settled or leased is not run again for it."""
    batch = ports.batches.amend(batch_id, resume_waiting)
    if waits(batch):
        set_off(ports, batch)
        return batch
    if batch.options.concurrency is None:
        _publish_again(ports, batch)
    else:
        advance(ports, batch, None)
    ask(ports, batch)
    for child in children_of(ports, batch_id):
        if child.state is BatchState.PAUSED and child.held == WITH_PARENT:
            with suppress(IllegalTransition):
                resume(ports, child.id)
    # a canary may have come to its end meanwhile
    return batch if batch.options.canary is None else ports.batches.get(batch_id)


def is_acked_unrun(ports: Ports, batch: Batch) -> bool:
    """Whether runs of this batch, as the caller knows it, are acked without being run."""
    if batch.state is not BatchState.PAUSED or batch.options.concurrency is not None:
        return False
    return ports.batches.get(batch.id).state is BatchState.PAUSED


def _publish_again(ports: Ports, batch: Batch) -> None:
    if is_dispatchable(batch):  # else nothing of it has been published yet
        request_runs(ports, batch, stretches(batch), REPEATED)
