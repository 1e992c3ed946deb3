"""How many records of a batch may fail before it is ended."""

from __future__ import annotations

from math import floor

from fanfold.domain.batch import Batch
from fanfold.domain.options import BatchOptions
from fanfold.domain.order import combinations


def has_budget(options: BatchOptions) -> bool:
    return options.error_policy == "stop" or options.max_failures is not None


def allowed_failures(batch: Batch) -> int | None:
    """None: as many as there are. A share is one of all records that the batch will have."""
    options = batch.options
    if options.error_policy == "stop":
        return 0
    budget = options.max_failures
    if isinstance(budget, str):
        return floor(expected_total(batch) * float(budget.removesuffix("%")) / 100)
    return budget


def overspent(batch: Batch, failed: int) -> str | None:
    """Why the batch is to be ended; None if it is not."""
    allowed = allowed_failures(batch)
    if allowed is None or failed <= allowed:
        return None
    options = batch.options
    rule = (
        "error_policy is stop"
        if options.error_policy == "stop"
        else (f"max_failures is {options.max_failures}")
    )
    records = "record" if failed == 1 else "records"
    return f"{failed:,} {records} failed, and {rule}"


def expected_total(batch: Batch) -> int:
    """The sealed total or, before that, what the source's count and the options make of it."""
    if batch.total is not None:
        return batch.total
    records, options = batch.source.records, batch.options
    if options.max_records is not None:
        records = min(records, options.max_records)
    return max(batch.known_total, records * combinations(options))
