"""What holds a batch while it runs: its deadline, a cancel with grace, options that are changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from fanfold.domain.batch import Batch, BatchState, Ending
from fanfold.domain.following import FOLLOWS, waits
from fanfold.domain.in_flight import adapted
from fanfold.domain.options import BatchOptions
from fanfold.errors import IllegalTransition

#: says what a batch is and who may hold it, and changes nothing of how it runs
SAID = frozenset({"label", "tags", "managers", "monitors"})


def overdue(batch: Batch, now: float) -> Ending | None:
    """What it is to be stopped as, because its time is over."""
    if not batch.is_open:
        return None
    if batch.winding_down is not None and batch.winding_down.until <= now:
        return batch.winding_down.ending
    if batch.deadline_at is not None and batch.deadline_at <= now:
        return Ending(BatchState.EXPIRED, "its deadline has passed")
    return None


def change(
    batch: Batch, changes: Mapping[str, Any], deadline_at: float | Literal["as it is"] | None
) -> Batch:
    """Options of a batch that has not ended; what is only said of it, of any. Whoever looks next
    goes by them."""
    if not batch.is_open and not SAID.issuperset(changes):
        raise IllegalTransition(f"{batch.id} is {batch.state}: its options cannot change any more")
    if not waits(batch) and not FOLLOWS.isdisjoint(changes):
        raise IllegalTransition(
            f"after: {batch.id} waits for no other batch. What it comes after can be changed while "
            "it waits"
        )
    options = BatchOptions.model_validate({**batch.options.model_dump(), **changes})
    if batch.options.concurrency is None and options.rate is not None:
        raise IllegalTransition(
            f"rate: {batch.id} was created without a limit, and its messages are out. Cancel it, "
            "and give its retry a rate: `fanfold retry --canceled --rate …` runs what is left"
        )
    options = adapted(batch.options, options)
    if batch.options.concurrency is None and options.concurrency is not None:
        raise IllegalTransition(
            f"concurrency: {batch.id} was created without a limit, and its messages are out. "
            "Pause it, or cancel it and create it with one"
        )
    if batch.options.concurrency is not None and options.concurrency is None:
        raise IllegalTransition(
            f"concurrency: {batch.id} was created with a limit: set it as high as you like, to "
            "100000 at most"
        )
    changed = replace(batch, options=options)
    return changed if deadline_at == "as it is" else replace(changed, deadline_at=deadline_at)
