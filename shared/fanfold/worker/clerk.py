"""The clerk: a process' thread for the stations that are not runs, and for the sweep."""

from __future__ import annotations

import math
from threading import Event, Thread
from time import monotonic

from fanfold import log
from fanfold.execution.library import Library
from fanfold.ports import Ports, Station
from fanfold.steps.policy import Policy
from fanfold.steps.sweep import Memory, open_batches, sweep, wake_due
from fanfold.worker.desk import Desk
from fanfold.worker.hand import Hand

_STATIONS = (Station.FAN_OUT, Station.FINALIZATIONS, Station.DEAD_LETTERS)
_TICK = 0.005
_IDLE_TICK = 0.03
_WAKE_SECONDS = 0.5


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
        self._thread = Thread(target=self._work, name="fanfold-clerk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        tick = _TICK
        while not self._stopping.wait(tick):
            try:
                did = [self._station(station) for station in _STATIONS]
                tick = _TICK if any(did) else min(tick * 1.3, _IDLE_TICK)
                self._rounds()
            except Exception as error:  # noqa: BLE001  the loop must outlive whatever happens
                log.error("clerk.failed", f"{type(error).__name__}: {error}")
                tick = 0.5

    def _rounds(self) -> None:
        now = monotonic()
        if now - self._woke_at >= _WAKE_SECONDS:
            self._woke_at = now
            for batch in open_batches(self._ports):
                if batch.is_open:
                    wake_due(self._ports, self._policy, batch)
        if now - self._swept_at >= self._sweep_seconds:
            self._swept_at = now
            swept = sweep(self._ports, self._policy, self._memory)
            if swept:
                log.info("sweep", str(swept))

    def _station(self, station: Station) -> bool:
        deliveries = self._ports.queue.pull(station, 1)
        for delivery in deliveries:
            self._hand.take([delivery])
            try:
                self._desk.serve(delivery)
            finally:
                self._hand.drop([delivery])
        return bool(deliveries)
