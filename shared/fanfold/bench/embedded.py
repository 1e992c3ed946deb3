"""A batch of a flow that does nothing, through worker processes as `fanfold run` starts them.

    create ─▶ │ fan-out ─▶ run ─▶ settle ─▶ completion ─▶ certificate ─▶ fold │
              started_at                                                ended_at

The processes are there before the batch is: what is measured is what a record costs, not how long
Python takes to start.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.options import BatchOptions
from fanfold.errors import FanfoldError
from fanfold.settings import Settings
from fanfold.sources.iterable import from_iterable
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.status import Status, status_of
from fanfold.wiring import Fanfold, open_fanfold
from fanfold.worker.supervisor import Supervisor

FLOW = "fanfold.flows.noop:noop"
_LOOK_SECONDS = 0.1
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


def measure(
    settings: Settings,
    command: Sequence[str],
    records: int,
    workers: int,
    on_look: Callable[[Status], None],
) -> Measured:
    """`command` starts a worker process; `on_look` is told how far it is."""
    with open_fanfold(settings) as fanfold:
        supervisor = Supervisor(command, workers, env=settings.environment())
        supervisor.start()
        try:
            while supervisor.tend() and not supervisor.is_at_work:
                time.sleep(_LOOK_SECONDS)
            batch = _created(fanfold, records)
            while not (status := status_of(fanfold.ports, batch.id)).batch.ended:
                on_look(status)
                if not supervisor.tend():
                    raise BenchFailed("the worker processes have ended")
                time.sleep(_LOOK_SECONDS)
        finally:
            supervisor.drain()
            supervisor.wait(None)
        on_look(status)
        return _measured(fanfold, status.batch, records)


def _created(fanfold: Fanfold, records: int) -> Batch:
    found = fanfold.library.find(FLOW)
    request = BatchRequest(found.ref, BatchOptions(label="bench"), f"{records} records")
    lines = from_iterable(({"n": n} for n in range(records)), name="bench")
    return create_batch(fanfold.ports, request, lambda: lines)


def _measured(fanfold: Fanfold, batch: Batch, records: int) -> Measured:
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
    )
