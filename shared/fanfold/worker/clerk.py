"""The clerks: a process' threads for the stations that are not runs, and for the sweep.

Where looking whether there is a message costs next to nothing, one thread goes round all stations,
often. Where it is a request that waits for its answer, each station has a thread that waits: a
finalization must not lie there while somebody waits for a dead letter, nor the next page's records
while nothing is to be finalized.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

from fanfold import log
from fanfold.execution.library import Library
from fanfold.ports import Ports, Station
from fanfold.steps.policy import Policy
from fanfold.steps.sweep import Memory, go_round, sweep
from fanfold.worker.desk import Desk
from fanfold.worker.hand import Hand

_STATIONS = (Station.FAN_OUT, Station.FINALIZATIONS, Station.DEAD_LETTERS)
_TICK = 0.005  # of one who found nothing; who found something looks again at once
_IDLE_TICK = 0.03
_AFTER_AN_ERROR = 0.5
_LOOK_SECONDS = 0.5


class Clerk:
    def __init__(
        self, ports: Ports, policy: Policy, library: Library, hand: Hand, sweep_seconds: float
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._hand = hand
        self._sweep_seconds = sweep_seconds
        self._memory = Memory()
        self._swept_at = monotonic()
        self._woke_at = -math.inf
        self._stopping = Event()
        self._desk = Desk(ports, policy, library, self._stopping.is_set)
        works: list[tuple[str, Callable[[], None]]] = [("clerk", self._go_round)]
        if policy.clerks:
            works = [("clerk", self._do_rounds)]
            for it in _STATIONS:
                works.append((f"clerk-{it}", lambda it=it: self._wait_at(it)))  # type: ignore[misc]
        self._threads = [
            Thread(target=work, name=f"fanfold-{name}", daemon=True) for name, work in works
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _go_round(self) -> None:
        tick = _TICK
        while not self._stopping.wait(tick):
            try:
                did = [self._serve(station, 0.0) for station in _STATIONS]
                tick = 0.0 if any(did) else min(max(tick * 1.3, _TICK), _IDLE_TICK)
                self._rounds()
            except Exception as error:  # noqa: BLE001  the loop must outlive whatever happens
                log.error("clerk.failed", f"{type(error).__name__}: {error}")
                tick = _AFTER_AN_ERROR

    def _wait_at(self, station: Station) -> None:
        while not self._stopping.is_set():
            try:
                self._serve(station, self._policy.pull_seconds)
            except Exception as error:  # noqa: BLE001  the loop must outlive whatever happens
                text = f"{type(error).__name__}: {error}"
                log.error("clerk.failed", text, station=str(station))
                self._stopping.wait(_AFTER_AN_ERROR)

    def _do_rounds(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                self._rounds()
            except Exception as error:  # noqa: BLE001  the loop must outlive whatever happens
                log.error("clerk.failed", f"{type(error).__name__}: {error}")

    def _rounds(self) -> None:
        now = monotonic()
        if now - self._woke_at >= self._policy.wake_seconds:
            self._woke_at = now
            go_round(self._ports, self._policy)
        if now - self._swept_at >= self._sweep_seconds:
            self._swept_at = now
            swept = sweep(self._ports, self._policy, self._memory)
            if swept:
                log.info("sweep", str(swept))

    def _serve(self, station: Station, wait: float) -> bool:
        """One message, if there is one: another process may do the next one meanwhile."""
        deliveries = self._ports.queue.pull(station, 1, wait)
        for delivery in deliveries:
            self._hand.take([delivery])
            try:
                self._desk.serve(delivery)
            finally:
                self._hand.drop([delivery])
        return bool(deliveries)
