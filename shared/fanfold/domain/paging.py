"""A batch takes a page of its source: in the fan-out, or, late, before a retry.

A batch that was stopped before its source was read to its end consists of what had been read, and
is *cut short*. A retry first reads the rest, while the batch stays ended: each page adds its
records to the total and, like those that were left in the queue, to the canceled or the skipped
ones. Where the source cannot be read on it stays cut short, and never becomes completed.
"""

from __future__ import annotations

from dataclasses import replace

from fanfold.domain.batch import Batch, BatchState, expected_digest
from fanfold.domain.pruning import check_not_pruned
from fanfold.domain.source import Checkpoint
from fanfold.domain.tally import Tally
from fanfold.errors import Contended, IllegalTransition


def move_checkpoint(batch: Batch, before: Checkpoint, after: Checkpoint) -> Batch:
    """One page further. Whoever read an older checkpoint is told to read again."""
    if batch.checkpoint != before or not takes_pages(batch):
        raise Contended(f"the fan-out of {batch.id} has moved on")
    if batch.ended:
        return _move_late(batch, after)
    if not batch.is_open:
        raise IllegalTransition(f"{batch.id} is {batch.state}: it takes no more records")
    return replace(batch, checkpoint=after)


def takes_pages(batch: Batch) -> bool:
    return batch.total is None or is_read_late(batch)


def is_read_late(batch: Batch) -> bool:
    return batch.ended and batch.cut_short


def have_read(batch: Batch, checkpoint: Checkpoint) -> Batch:
    """The source of a batch that was cut short has no more than this."""
    if batch.checkpoint != checkpoint or not is_read_late(batch):
        raise Contended(f"the source of {batch.id} has been read on")
    return replace(batch, cut_short=False)


def _move_late(batch: Batch, after: Checkpoint) -> Batch:
    check_not_pruned(batch)
    closed = batch.closed or Tally()
    records = after.records - batch.checkpoint.records
    if batch.ending is not None and batch.ending.state is BatchState.CANCELED:
        closed = replace(closed, canceled=closed.canceled + records)
    else:
        closed = replace(closed, skipped=closed.skipped + records)
    moved = replace(batch, checkpoint=after, total=after.records, closed=closed)
    if batch.certificate is None:
        return moved
    certificate = replace(
        batch.certificate,
        total=after.records,
        canceled=closed.canceled,
        skipped=closed.skipped,
        expected_digest=expected_digest(moved),
    )
    return replace(moved, certificate=certificate)
