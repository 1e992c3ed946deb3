"""One message of a station that is not runs: handled, then acked, given back or buried."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import assert_never

from fanfold import trace
from fanfold.domain.messages import (
    BatchRequestMessage,
    FanOutMessage,
    FinalizationMessage,
    PageMessage,
    decode_fan_out,
)
from fanfold.execution.library import Library
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.fan_out import fan_out, publish_page
from fanfold.steps.finalize import Renewing, finalize
from fanfold.steps.policy import Policy
from fanfold.steps.start_batch import start_batch
from fanfold.worker.dispose import dispose


class Desk:
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        library: Library,
        is_stopping: Callable[[], bool] = lambda: False,
        renewing: Renewing | None = None,
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._library = library
        self._is_stopping = is_stopping
        self._renewing = renewing

    def serve(self, delivery: Delivery) -> None:
        """Does not raise, but where not even the queue can be reached."""
        try:
            with trace.continued(delivery.trace):
                delay = self._handle(delivery)
            if delay:
                self._ports.queue.release([delivery], delay)
            else:
                self._ports.queue.ack([delivery])
        except Exception as error:  # noqa: BLE001  the table says what becomes of it
            dispose(self._ports.queue, delivery, error)

    def _handle(self, delivery: Delivery) -> float:
        """Seconds after which it should come again, 0 if it is done with."""
        match delivery.station:
            case Station.FAN_OUT:
                self._fan_out(delivery)
            case Station.FINALIZATIONS:
                message = FinalizationMessage.decode(delivery.body)
                repeated = delivery.attempt > 1
                return finalize(
                    self._ports,
                    self._policy,
                    self._library,
                    message,
                    repeated=repeated,
                    renewing=self._renewing,
                )
            case Station.DEAD_LETTERS:
                dead_letter(self._ports, delivery)
            case Station.RUNS:
                raise ValueError("runs are a worker's part")
        return 0.0

    def _fan_out(self, delivery: Delivery) -> None:
        message = decode_fan_out(delivery.body)
        match message:
            case FanOutMessage():
                end = monotonic() + self._policy.fan_out_seconds
                fan_out(
                    self._ports,
                    message,
                    lambda: monotonic() >= end or self._is_stopping(),
                    delivery.attempt,
                )
            case PageMessage():
                publish_page(self._ports, message, delivery.attempt)
            case BatchRequestMessage():
                start_batch(self._ports, self._library, message, delivery.message_id)
            case _:
                assert_never(message)
