"""Stopping a batch before its end: by the user (cancel), or by a run that raised Fatal.

The stop is one transition; nothing new starts once workers have seen it, and closing makes it
final: results that arrive later are refused. The caller asks for finalization afterwards, and may
crash before it does: whoever repeats the call, or any redelivered message of the batch, asks.
"""

from __future__ import annotations

from functools import partial

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Ending
from fanfold.domain.outcome import Blame, Failed, printable
from fanfold.domain.run import Run
from fanfold.errors import IllegalTransition
from fanfold.ports import Ports
from fanfold.steps.ask import request_finalization


def cancel(ports: Ports, batch_id: str, reason: str = "canceled by the user") -> Batch:
    """Stop it. Canceling what is being canceled, or was, changes nothing; what has ended
    otherwise cannot be canceled."""
    batch = ports.batches.get(batch_id)
    if batch.state is BatchState.CANCELED:
        return batch
    ending = Ending(BatchState.CANCELED, reason)
    batch = ports.batches.amend(batch_id, partial(rules.stop, ending=ending))
    request_finalization(ports, batch)
    return batch


def wind_down(
    ports: Ports, batch_id: str, grace: float, reason: str = "canceled by the user"
) -> Batch:
    """Cancel it in so many seconds: nothing new starts, what runs may finish until then. Whoever
    looks at the batch after that stops it."""
    batch = ports.batches.get(batch_id)
    if batch.state in (BatchState.CANCELED, BatchState.CANCELING):
        return batch
    ending = Ending(BatchState.CANCELED, reason)
    until = ports.clock.now() + grace
    batch = ports.batches.amend(batch_id, partial(rules.wind_down, ending=ending, until=until))
    if batch.state is BatchState.CANCELING:
        request_finalization(ports, batch)
    return batch


def end_if_fatal(ports: Ports, run: Run) -> None:
    """A run that raised Fatal ends its batch as failed; the records left are skipped."""
    if not isinstance(run.outcome, Failed) or run.outcome.failure.blame is not Blame.FATAL:
        return
    failure = run.outcome.failure
    reason = printable(f"record {run.index} raised {failure.type}: {failure.message}")
    ending = Ending(BatchState.FAILED, reason)
    try:
        batch = ports.batches.amend(run.batch_id, partial(rules.stop, ending=ending))
    except IllegalTransition:  # it has ended, or is about to
        return
    request_finalization(ports, batch)
