"""The keeper: what must happen on time while runs execute.

Leases of messages are extended while they are held; a run that outlasts `lease_after` gets a lease
of its own; runs of a stopped batch are told; what was parked and is due goes back to the lanes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from threading import Event, Thread
from time import monotonic

from fanfold import log
from fanfold.domain.control import overdue
from fanfold.errors import BatchNotFound
from fanfold.ports import Ports
from fanfold.steps.budget import end_if_overdue
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import Job
from fanfold.steps.views import Views
from fanfold.worker.hand import Execution, Hand
from fanfold.worker.leasing import lease
from fanfold.worker.parking import Parking

_TICK = 0.005
_IDLE_TICK = 0.05
_LOOK_SECONDS = 0.25
#: far below every engine's shortest lease of a message
_EXTEND_SECONDS = 15.0


class Keeper:
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        views: Views,
        hand: Hand,
        parking: Parking,
        unpark: Callable[[Sequence[Job]], None],
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._views = views
        self._hand = hand
        self._parking = parking
        self._unpark = unpark
        self._stopping = Event()
        self._looked_at = -math.inf
        self._extended_at = monotonic()
        self._thread = Thread(target=self._work, name="fanfold-keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._parking.wake()
        self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            self._parking.wait(_TICK if len(self._parking) else _IDLE_TICK)
            try:
                self._unpark(self._parking.due())
                now = monotonic()
                if now - self._looked_at >= _LOOK_SECONDS:
                    self._looked_at = now
                    self.look(now)
                if now - self._extended_at >= _EXTEND_SECONDS:
                    self._extended_at = now
                    self._ports.queue.extend(self._hand.held())
            except Exception as error:  # noqa: BLE001  tried again at the next tick
                log.error("keeper.failed", f"{type(error).__name__}: {error}")

    def look(self, now: float) -> None:
        """Lease what has executed for long by `now`, and tell it if its batch is stopped."""
        by_batch: dict[str, list[Execution]] = {}
        for execution in self._hand.executing():
            by_batch.setdefault(execution.job.batch.id, []).append(execution)
        for batch_id, executions in by_batch.items():
            self._cancel_if_stopped(batch_id, executions)
            self._lease(executions, now)

    def _cancel_if_stopped(self, batch_id: str, executions: list[Execution]) -> None:
        try:
            batch = self._views.of(batch_id).batch
        except BatchNotFound:
            reason = "the batch is gone"
        else:
            if batch.is_open and not end_if_overdue(self._ports, batch):
                return
            ending = batch.ending or overdue(batch, self._ports.clock.now())
            reason = ending.reason if ending else f"the batch is {batch.state}"
        for execution in executions:
            execution.canceled.set(reason)

    def _lease(self, executions: list[Execution], now: float) -> None:
        policy = self._policy
        long = [
            execution
            for execution in executions
            if now - execution.started >= policy.lease_after
            and now - execution.leased >= policy.lease_seconds / 3
        ]
        if long:
            lease(self._ports, policy, long)
