"""What this process holds: deliveries not yet acked, and runs that are executing.

The keeper looks here for what to extend, to lease and to cancel; the intake, for how much more it
may pull.

A run executes from `begin` to `end`. In between its flow returns, and whoever ran it says so; or a
drain's time is over first, and it is *given up*. Whichever comes first decides, under one lock: of
what was given up nothing is settled, retried or acked any more, for its message is somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from fanfold.execution.context import Cancellation
from fanfold.ports import Delivery, Station
from fanfold.steps.run_flow import Job

_GIVEN_UP = "the worker ends, and the run is given back"


@dataclass(slots=True)
class Execution:
    job: Job
    canceled: Cancellation
    #: by the monotonic clock
    started: float
    #: those that counted before this one
    attempts: int
    #: when its lease was last written
    leased: float = 0.0
    #: the flow has returned: what is left to do is ours, and short
    returned: bool = False


class Hand:
    def __init__(self) -> None:
        self._lock = Lock()
        self._deliveries: dict[str, Delivery] = {}
        self._executing: dict[str, Execution] = {}
        #: None until the time to finish is over
        self._given_up: dict[str, Execution] | None = None
        #: messages of runs, and the bytes of their bodies
        self.runs = 0
        self.bytes = 0
        #: called when something has left the hand
        self.on_drop: Callable[[], None] = lambda: None
        #: a moving mean of what a run takes
        self.mean_seconds = 0.0
        #: about what half of them do not exceed, whatever the others do
        self.median_seconds = 0.0

    def take(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                self._forget(delivery.token)  # after a lease that ended the same may come again
                self._deliveries[delivery.token] = delivery
                if delivery.station is Station.RUNS:
                    self.runs += 1
                    self.bytes += len(delivery.body)

    def drop(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                self._forget(delivery.token)
        self.on_drop()

    def _forget(self, token: str) -> None:
        held = self._deliveries.pop(token, None)
        if held is not None and held.station is Station.RUNS:
            self.runs -= 1
            self.bytes -= len(held.body)

    def begin(self, job: Job, canceled: Cancellation, attempts: int | None = None) -> None:
        """`attempts`: those before this one, if it is counted already."""
        with self._lock:
            in_time = self._begin(job, canceled, job.attempts if attempts is None else attempts)
        if not in_time:
            canceled.set(_GIVEN_UP)

    def begin_alone(self, job: Job, canceled: Cancellation) -> bool:
        """The same, unless another delivery of the same run executes here already; whether it has
        begun."""
        with self._lock:
            if _same_run(job, self._executing.values()) is not None:
                return False
            in_time = self._begin(job, canceled, job.attempts)
        if not in_time:
            canceled.set(_GIVEN_UP)
        return True

    def _begin(self, job: Job, canceled: Cancellation, attempts: int) -> bool:
        """With the lock held; False once the time to finish is over."""
        execution = Execution(job, canceled, monotonic(), attempts)
        begun = self._executing if self._given_up is None else self._given_up
        begun[job.delivery.token] = execution
        return self._given_up is None

    def returned(self, job: Job) -> bool:
        """Its flow has; False if it was given up before that, and nothing may come of it."""
        token = job.delivery.token
        with self._lock:
            if self._given_up is not None and token in self._given_up:
                return False
            execution = self._executing.get(token)
            if execution is not None:  # a quick run has none
                execution.returned = True
            return True

    def give_up(self) -> None:
        """Nothing comes of what executes now, and of what may still begin to."""
        with self._lock:
            given_up = {it: one for it, one in self._executing.items() if not one.returned}
            self._given_up = given_up
            for token in given_up:
                del self._executing[token]
        for execution in list(given_up.values()):
            execution.canceled.set(_GIVEN_UP)

    def given_up(self) -> list[Execution]:
        with self._lock:
            return list((self._given_up or {}).values())

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

    def at_it(self, job: Job) -> Execution | None:
        """The execution of the same run, for another delivery of its message."""
        return _same_run(job, self.executing())

    def executing(self) -> list[Execution]:
        with self._lock:
            return list(self._executing.values())

    def __len__(self) -> int:
        return len(self._deliveries)


def _same_run(job: Job, executions: Iterable[Execution]) -> Execution | None:
    message = job.message
    wanted = message.batch_id, message.index, message.generation
    for it in executions:
        known = it.job.message
        if (known.batch_id, known.index, known.generation) == wanted:
            return it
    return None
