"""A worker within bounds, and readings that the test chooses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Ports
from fanfold.steps.policy import Policy
from fanfold.wiring import EMBEDDED
from fanfold.worker.bounds import Bounds
from fanfold.worker.gauges import Unreadable
from fanfold.worker.worker import Worker


@dataclass
class Readings:
    """What the machine would tell; None: it does not."""

    bytes: int | None = 0
    share: float | None = 0.0
    average: float | None = 0.0
    #: how often somebody asked
    asked: int = 0

    def resident(self) -> int:
        return int(self._told(self.bytes))

    def memory_share(self) -> float:
        return self._told(self.share)

    def load(self) -> float:
        return self._told(self.average)

    def _told(self, reading: float | None) -> float:
        self.asked += 1
        if reading is None:
            raise Unreadable
        return reading


@contextmanager
def working_within(
    ports: Ports,
    bounds: Bounds,
    *,
    threads: int = 4,
    policy: Policy = EMBEDDED,
    gauges: Readings | None = None,
) -> Iterator[tuple[Worker, Thread]]:
    """As `working`; when the block ends, it is told to drain and waited for."""
    worker = Worker(
        ports,
        policy,
        Library(),
        Isolation(),
        threads=threads,
        sweep_seconds=3600.0,
        bounds=bounds,
        gauges=gauges or Readings(),
    )
    thread = Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield worker, thread
    finally:
        worker.stop()
        thread.join(60)
        assert not thread.is_alive(), "the worker does not end"
