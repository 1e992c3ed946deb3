"""What becomes of a message whose handling raised: one table (errors.HANDLING), one place."""

from __future__ import annotations

from fanfold import log
from fanfold.errors import handling_of
from fanfold.ports import Delivery, Queue


def dispose(queue: Queue, delivery: Delivery, error: Exception) -> None:
    text = f"{type(error).__name__}: {error}"
    context = {"station": str(delivery.station), "attempt": delivery.attempt}
    match handling_of(error).message:
        case "dead":
            log.error("message.buried", text, **context)
            queue.bury([delivery])
        case "ack":
            log.warning("message.dropped", text, **context)
            queue.ack([delivery])
        case _:
            log.error("message.failed", text, **context)
            queue.release([delivery], backoff(delivery))


def backoff(delivery: Delivery) -> float:
    """Longer with every delivery, but never so long that a minute's wait would be a nack's."""
    return float(min(60.0, 0.25 * 2.0 ** min(delivery.attempt, 10)))
