"""Messages that ask a station to begin, or to go on, with a batch."""

from __future__ import annotations

from fanfold.domain.batch import Batch
from fanfold.domain.messages import FanOutMessage
from fanfold.ports import Ports, Station


def request_fan_out(ports: Ports, batch: Batch, done: int = 0, attempt: int = 1) -> None:
    """`done`: how far the sender has come, as FanOutMessage.published has it."""
    message = FanOutMessage(
        batch_id=batch.id, generation=batch.generation, published=done, attempt=attempt
    )
    ports.queue.publish(Station.FAN_OUT, batch.id, [message.encode()])
