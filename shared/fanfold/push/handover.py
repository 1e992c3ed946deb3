"""A queue whose deliveries are HTTP requests that wait for their answer.

    request ─▶ hand_over ─▶ pull ─▶ (the worker's pipe) ─▶ ack │ release │ bury
       ▲                                                        │
       └───────────────── 204 │ 503 │ 204 ◀─────────────────────┘

So a function is the same worker as anywhere else. A request is answered only when its message is
acked or given back, and nothing outlives it: should the process die, the request breaks off and
Pub/Sub delivers again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from fanfold.domain.priority import Priority
from fanfold.ports import Delivery, Queue, Station

DONE = 204
#: not an error of the message's: Pub/Sub backs off and delivers it again
AGAIN = 503

#: whoever waits for the answer of a request
W = TypeVar("W")


class HandoverQueue(Generic[W]):
    """Publishing goes to the real queue.

    Who waits for a message's answer is found by its token. No lock is needed: each of these is one
    operation of a dict, which no other thread can come between.
    """

    def __init__(
        self, queue: Queue, station: Station, answer: Callable[[Sequence[W], int], None]
    ) -> None:
        """`answer` tells those whose messages have come to their end together the HTTP status."""
        self._queue = queue
        self._station = station
        self._answer_all = answer
        self._arrived: SimpleQueue[Delivery] = SimpleQueue()
        self._waiting: dict[str, W] = {}
        self._numbers = count(1)

    def hand_over(
        self,
        waiter: W,
        body: bytes,
        attempt: int,
        origin: Station | None = None,
        message_id: str = "",
        trace: str = "",
    ) -> None:
        token = str(next(self._numbers))
        self._waiting[token] = waiter
        self._arrived.put(Delivery(self._station, body, attempt, token, origin, message_id, trace))

    def publish(
        self,
        station: Station,
        batch_id: str,
        bodies: Sequence[bytes],
        priority: Priority = Priority.NORMAL,
    ) -> None:
        self._queue.publish(station, batch_id, bodies, priority)

    def pull(self, station: Station, limit: int, wait: float = 0.0) -> list[Delivery]:
        if station is not self._station:
            return []
        deliveries: list[Delivery] = []
        try:
            deliveries.append(self._arrived.get(timeout=wait) if wait else self._arrived.get(False))
            while len(deliveries) < limit:
                deliveries.append(self._arrived.get(block=False))
        except Empty:
            pass
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        self._answer(deliveries, DONE)

    def release(self, deliveries: Sequence[Delivery], delay: float = 0.0) -> None:  # noqa: ARG002
        """The subscription's own back-off decides when."""
        self._answer(deliveries, AGAIN)

    def extend(self, deliveries: Sequence[Delivery]) -> None:
        """A request lasts as long as the subscription's deadline; nothing extends it."""

    def bury(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._queue.condemn(delivery.station, delivery.body)
        self._answer(deliveries, DONE)

    def condemn(self, station: Station, body: bytes) -> None:
        self._queue.condemn(station, body)

    def backlog(self, station: Station) -> int | None:
        return self._queue.backlog(station)

    def _answer(self, deliveries: Sequence[Delivery], status: int) -> None:
        found = [self._waiting.pop(it.token, None) for it in deliveries]
        waiters = [it for it in found if it is not None]
        if waiters:
            self._answer_all(waiters, status)
