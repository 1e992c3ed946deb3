"""The embedded engine, with worker processes as `fanfold run` starts them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from fanfold.bench.batch import BenchFailed, Measured, measured, put_through
from fanfold.settings import Settings
from fanfold.steps.status import Status
from fanfold.wiring import open_fanfold
from fanfold.worker.supervisor import Supervisor

_LOOK_SECONDS = 0.1


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

        def tend() -> None:
            if not supervisor.tend():
                raise BenchFailed("the worker processes have ended")

        supervisor.start()
        try:
            while supervisor.tend() and not supervisor.is_at_work:
                time.sleep(_LOOK_SECONDS)
            status = put_through(fanfold, records, on_look, tend)
        finally:
            supervisor.drain()
            supervisor.wait(None)
        return measured(fanfold, status.batch, records)
