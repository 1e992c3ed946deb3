"""What a batch has cost: what its flow says it has spent, and what the services take for it.

The first is counted (domain.tally). The second is an estimate at list prices (domain.cost) of as
many records as are settled, of the size they have and the time they took; on a desk it is nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.domain.cost import Workload, estimate
from fanfold.domain.money import dollars_of
from fanfold.domain.rate import per_second
from fanfold.steps.status import Status


@dataclass(frozen=True, slots=True)
class Expenses:
    """In dollars."""

    spent: float
    #: more than that ends the batch
    max_spend: float | None
    #: what the services take for it; None where none are paid
    services: float | None


def expenses_of(status: Status, *, on_google: bool) -> Expenses:
    services = _services(status) if on_google else None
    return Expenses(dollars_of(status.tally.spent), status.batch.options.max_spend, services)


def _services(status: Status) -> float:
    batch, tally = status.batch, status.tally
    options, checkpoint = batch.options, batch.checkpoint
    workload = Workload(
        records=tally.settled,
        record_bytes=checkpoint.offset / checkpoint.records if checkpoint.records else 0.0,
        concurrency=options.concurrency,
        rate=None if options.rate is None else per_second(options.rate),
        folds=batch.flow.folds and batch.ended,
        seconds=tally.seconds / tally.settled if tally.settled else 0.0,
    )
    return estimate(workload).dollars
