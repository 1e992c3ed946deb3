"""The clerk: a process' thread for the stations that are not runs, and for the sweep."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from time import monotonic

from fanfold import log
from fanfold.domain.messages import FanOutMessage, FinalizationMessage, decode_fan_out
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.fan_out import fan_out, publish_page
from fanfold.steps.finalize import Flows, finalize
from fanfold.steps.policy import Policy
from fanfold.steps.sweep import Memory, open_batches, sweep, wake_due
from fanfold.worker.dispose import dispose
from fanfold.worker.hand import Hand

_TICK = 0.005
_IDLE_TICK = 0.03
_WAKE_SECONDS = 0.5


class Clerk:
    def __init__(
        self, ports: Ports, policy: Policy, flows: Flows, hand: Hand, sweep_seconds: float
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._flows = flows
        self._hand = hand
        self._sweep_seconds = sweep_seconds
        self._memory = Memory()
        self._swept_at = monotonic()
        self._woke_at = 0.0
        self._stopping = Event()
        self._thread = Thread(target=self._work, name="fanfold-clerk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def open_batches(self) -> bool:
        return bool(open_batches(self._ports))

    def _work(self) -> None:
        tick = _TICK
        while not self._stopping.wait(tick):
            try:
                did = [self._station(Station.FAN_OUT, self._fan_out)]
                did.append(self._station(Station.FINALIZATIONS, self._finalize))
                did.append(self._station(Station.DEAD_LETTERS, self._dead_letter))
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

    def _station(self, station: Station, handle: Callable[[Delivery], float]) -> bool:
        deliveries = self._ports.queue.pull(station, 1)
        for delivery in deliveries:
            self._hand.take([delivery])
            try:
                delay = handle(delivery)
                if delay:
                    self._ports.queue.release([delivery], delay)
                else:
                    self._ports.queue.ack([delivery])
            except Exception as error:  # noqa: BLE001  the table says what becomes of it
                dispose(self._ports.queue, delivery, error)
            finally:
                self._hand.drop([delivery])
        return bool(deliveries)

    def _fan_out(self, delivery: Delivery) -> float:
        message = decode_fan_out(delivery.body)
        if isinstance(message, FanOutMessage):
            end = monotonic() + self._policy.fan_out_seconds
            fan_out(
                self._ports,
                message,
                lambda: monotonic() >= end or self._stopping.is_set(),
            )
        else:
            publish_page(self._ports, message, repeated=delivery.attempt > 1)
        return 0.0

    def _finalize(self, delivery: Delivery) -> float:
        message = FinalizationMessage.decode(delivery.body)
        repeated = delivery.attempt > 1
        return finalize(self._ports, self._policy, self._flows, message, repeated=repeated)

    def _dead_letter(self, delivery: Delivery) -> float:
        dead_letter(self._ports, delivery)
        return 0.0
