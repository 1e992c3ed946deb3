"""What a batch may come to before it is ended: records that fail, dollars that are spent."""

from __future__ import annotations

from math import floor

from fanfold.domain.batch import Batch
from fanfold.domain.money import in_words, nanodollars
from fanfold.domain.options import BatchOptions
from fanfold.domain.order import combinations


def bounds_failures(options: BatchOptions) -> bool:
    return options.error_policy == "stop" or options.max_failures is not None


def bounds_spending(options: BatchOptions) -> bool:
    return options.max_spend is not None


def allowed_failures(batch: Batch) -> int | None:
    """None: as many as there are. A share is one of all records that the batch will have."""
    options = batch.options
    if options.error_policy == "stop":
        return 0
    budget = options.max_failures
    if isinstance(budget, str):
        return floor(expected_total(batch) * float(budget.removesuffix("%")) / 100)
    return budget


def failed_too_often(batch: Batch, failed: int) -> str | None:
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


def spent_too_much(batch: Batch, spent: int) -> str | None:
    """Likewise; in billionths of a dollar (domain.money)."""
    if batch.options.max_spend is None:
        return None
    allowed = nanodollars(batch.options.max_spend)
    if spent <= allowed:
        return None
    return f"{in_words(spent)} has been spent, and max_spend is {in_words(allowed)}"


def expected_total(batch: Batch) -> int:
    """The sealed total or, before that, what the source's count and the options make of it."""
    if batch.total is not None:
        return batch.total
    records, options = batch.source.records, batch.options
    if options.max_records is not None:
        records = min(records, options.max_records)
    return max(batch.known_total, records * combinations(options))
