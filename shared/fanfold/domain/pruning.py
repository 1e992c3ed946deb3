"""Removing what a batch has stored, but for a tombstone.

    ended ──prune──▶ its counts, certificate and reason, no results ──a month later──▶ nothing

The tombstone outlives every message there may still be of the batch, and every repetition of the
request that made it: a late message finds a batch that has ended, and a repeated request finds that
it was met. Pub/Sub keeps messages for a month at most.
"""

from __future__ import annotations

from dataclasses import replace

from fanfold.domain.batch import Batch
from fanfold.errors import BatchPruned, IllegalTransition

#: longer than anything keeps a message
TOMBSTONE_SECONDS = 32 * 86_400.0


def prune(batch: Batch, now: float) -> Batch:
    """From now on its results are gone, whatever is still to be removed of them."""
    if not batch.ended:
        raise IllegalTransition(f"{batch.id} is {batch.state}: only what has ended is pruned")
    return batch if batch.pruned_at is not None else replace(batch, output=None, pruned_at=now)


def is_forgettable(batch: Batch, now: float) -> bool:
    return batch.pruned_at is not None and batch.pruned_at + TOMBSTONE_SECONDS <= now


def check_not_pruned(batch: Batch) -> None:
    if batch.pruned_at is not None:
        raise BatchPruned(
            f"{batch.id} has been pruned: its counts are kept (`fanfold status`), its records and "
            "results are gone"
        )
