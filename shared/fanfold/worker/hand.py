"""What this process holds: deliveries not yet acked, and runs that are executing.

The keeper looks here for what to extend, to lease and to cancel; the intake, for how much more it
may pull.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from time import monotonic

from fanfold.execution.context import Cancellation
from fanfold.ports import Delivery
from fanfold.steps.run_flow import Job


@dataclass(slots=True)
class Execution:
    job: Job
    canceled: Cancellation
    #: by the monotonic clock
    started: float
    #: when its lease was last written
    leased: float = 0.0


class Hand:
    def __init__(self) -> None:
        self._lock = Lock()
        self._deliveries: dict[str, Delivery] = {}
        self._executing: dict[str, Execution] = {}
        #: a moving mean of what a run takes
        self.mean_seconds = 0.0
        #: about what half of them do not exceed, whatever the others do
        self.median_seconds = 0.0

    def take(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                self._deliveries[delivery.token] = delivery

    def drop(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                self._deliveries.pop(delivery.token, None)

    def begin(self, job: Job, canceled: Cancellation) -> None:
        with self._lock:
            self._executing[job.delivery.token] = Execution(job, canceled, monotonic())

    def end(self, job: Job, seconds: float | None = None) -> None:
        with self._lock:
            self._executing.pop(job.delivery.token, None)
            if seconds is not None:
                self.mean_seconds += 0.1 * (seconds - self.mean_seconds)
                median = self.median_seconds
                if median:
                    self.median_seconds = median * (1.1 if seconds > median else 0.9)
                else:
                    self.median_seconds = seconds

    def note(self, seconds: float, runs: int) -> None:
        """So many took so long, on average."""
        with self._lock:
            share = 1.0 - 0.9**runs
            self.mean_seconds += share * (seconds - self.mean_seconds)
            self.median_seconds += share * (seconds - self.median_seconds)

    def slow_down(self, seconds: float) -> None:
        """A run is at it for so long already."""
        with self._lock:
            self.mean_seconds = max(self.mean_seconds, seconds)
            self.median_seconds = max(self.median_seconds, seconds)

    def held(self) -> list[Delivery]:
        with self._lock:
            return list(self._deliveries.values())

    def executing(self) -> list[Execution]:
        with self._lock:
            return list(self._executing.values())

    def __len__(self) -> int:
        return len(self._deliveries)
