"""A batch that may fail only so many records, or spend only so much, ends when it has come to more,
or when its time is over.

The stop is the same as a cancel's: nothing new starts, running flows are told, the rest is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Ending
from fanfold.domain.budget import (
    bounds_failures,
    bounds_spending,
    failed_too_often,
    spent_too_much,
)
from fanfold.domain.control import overdue
from fanfold.domain.outcome import Failed
from fanfold.domain.run import Run
from fanfold.errors import IllegalTransition
from fanfold.ports import Ports
from fanfold.steps.ask import request_finalization


def end_if_overspent(ports: Ports, batch: Batch, settled: Sequence[Run]) -> None:
    """After these were settled. Looks at the counters only if one of them can have made it so."""
    failed = any(isinstance(it.outcome, Failed) for it in settled)
    if failed and bounds_failures(batch.options):
        _end_if_failed_too_often(ports, batch)
    if bounds_spending(batch.options) and any(it.spent for it in settled):
        _end_if_spent_too_much(ports, batch)


def end_if_overspent_now(ports: Ports, batch: Batch) -> None:
    """For who has changed what it may come to."""
    if bounds_failures(batch.options):
        _end_if_failed_too_often(ports, batch)
    if bounds_spending(batch.options):
        _end_if_spent_too_much(ports, batch)


def _end_if_failed_too_often(ports: Ports, batch: Batch) -> None:
    if batch.is_open:
        failed = ports.runs.tally(batch.id).failed
        _stop(ports, batch, partial(_if, why=partial(failed_too_often, failed=failed)))


def _end_if_spent_too_much(ports: Ports, batch: Batch) -> None:
    if batch.is_open:
        spent = batch.kept.spent + ports.runs.spent(batch.id)
        if spent_too_much(batch, spent) is not None:
            _stop(ports, batch, partial(_if, why=partial(spent_too_much, spent=spent)))


def end_if_overdue(ports: Ports, batch: Batch) -> bool:
    """Whether its time is over; by the batch as the caller knows it, and then as it is. Until it is
    that costs nothing: it is asked for every message."""
    return _end_if_overdue_at(ports, batch, ports.clock.now())


def end_if_done(ports: Ports, batch: Batch) -> bool:
    """The same; and one that is wound down need not wait for its time when nothing runs any more,
    where that can be told. For who looks now and then: it reads the counters."""
    now = ports.clock.now()
    winding = batch.winding_down
    if winding is not None and batch.is_open and _is_at_rest(ports, batch):
        now = max(now, winding.until)
    return _end_if_overdue_at(ports, batch, now)


def _end_if_overdue_at(ports: Ports, batch: Batch, now: float) -> bool:
    if overdue(batch, now) is None:
        return False
    stopped = _stop(ports, batch, partial(_if_overdue, now=now))
    return stopped is None or not stopped.is_open


def _is_at_rest(ports: Ports, batch: Batch) -> bool:
    """Under a limit what is in flight is known: released, and neither settled nor waiting. The
    window is read first; what is released after that there is none of, for it is paused."""
    if batch.options.concurrency is None:
        return False
    released = ports.frontier.window(batch.id).released
    tally = ports.runs.tally(batch.id)
    return released == tally.settled - batch.kept.settled + tally.waiting


def _if(batch: Batch, why: Callable[[Batch], str | None]) -> Batch:
    if batch.state not in (BatchState.RUNNING, BatchState.PAUSED):
        return batch
    reason = why(batch)
    return batch if reason is None else rules.stop(batch, Ending(BatchState.FAILED, reason))


def _if_overdue(batch: Batch, now: float) -> Batch:
    ending = overdue(batch, now)
    return batch if ending is None else rules.stop(batch, ending)


def _stop(ports: Ports, batch: Batch, arrow: partial[Batch]) -> Batch | None:
    try:
        stopped = ports.batches.amend(batch.id, arrow)
    except IllegalTransition:  # it has ended meanwhile
        return None
    if stopped.state is BatchState.CANCELING:
        request_finalization(ports, stopped)
    return stopped
