"""A batch of a flow that does nothing, put in and watched until it has ended.

    create ─▶ │ fan-out ─▶ run ─▶ settle ─▶ completion ─▶ certificate ─▶ fold │
              started_at                                                ended_at

Whoever works is there before the batch is: what is measured is what a record costs, not how long
Python takes to start.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.options import BatchOptions
from fanfold.errors import FanfoldError
from fanfold.sources.iterable import from_iterable
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.status import Status, status_of
from fanfold.wiring import Fanfold

FLOW = "fanfold.flows.noop:noop"
#: each look costs the emulators some milliseconds
_LOOK_SECONDS = 0.25
_PAGE = 5000


class BenchFailed(FanfoldError):
    """The batch did not end well: its figures would say nothing. Look at its errors."""


@dataclass(frozen=True, slots=True)
class Measured:
    batch: Batch
    seconds: float
    #: from the last run's end to the batch's closing
    completion_lag_seconds: float
    #: of the largest process there was
    peak_rss_mib: float
    #: mean
    results_per_commit: float


def put_through(
    fanfold: Fanfold, records: int, on_look: Callable[[Status], None], tend: Callable[[], None]
) -> Status:
    """`on_look` is told how far it is; `tend` looks after whoever works, and raises if nobody
    does any more."""
    found = fanfold.library.find(FLOW)
    request = BatchRequest(found.ref, BatchOptions(label="bench"), f"{records} records")
    lines = from_iterable(({"n": n} for n in range(records)), name="bench")
    batch = create_batch(fanfold.ports, request, lambda: lines)
    while not (status := status_of(fanfold.ports, batch.id)).batch.ended:
        on_look(status)
        tend()
        time.sleep(_LOOK_SECONDS)
    on_look(status)
    return status


def measured(fanfold: Fanfold, batch: Batch, records: int) -> Measured:
    """Raises BenchFailed unless each record succeeded once. Processes that have ended count for the
    peak."""
    certificate = batch.certificate
    if batch.state is not BatchState.COMPLETED or certificate is None or not certificate.holds:
        raise BenchFailed(f"{batch.id} is {batch.state}")
    if certificate.succeeded != records:
        raise BenchFailed(f"{batch.id}: {certificate.succeeded} of {records} records succeeded")
    last = max(
        (
            run.ended_at
            for start in range(0, records, _PAGE)
            for run in fanfold.ports.runs.read(batch.id, range(start, start + _PAGE)).values()
        ),
        default=batch.created_at,
    )
    peak = max(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    )
    begun, closed = batch.started_at or 0.0, batch.closed_at or 0.0
    return Measured(
        batch,
        seconds=(batch.ended_at or 0.0) - begun,
        completion_lag_seconds=max(0.0, closed - last),
        peak_rss_mib=peak / 1024,
        results_per_commit=records / max(1, batch.closed.commits if batch.closed else 0),
    )
