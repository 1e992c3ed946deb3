"""A queue whose deliveries are HTTP requests that wait for their answer.

    request ─▶ hand_over ─▶ pull ─▶ (the worker's pipe) ─▶ ack │ release │ bury
       ▲                                                        │
       └───────────────── 204 │ 503 │ 204 ◀─────────────────────┘

So a function is the same worker as anywhere else. A request is answered only when its message is
acked or given back, and nothing outlives it: should the process die, the request breaks off and
Pub/Sub delivers again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock

from fanfold.ports import Delivery, Queue, Station

DONE = 204
#: not an error of the message's: Pub/Sub backs off and delivers it again
AGAIN = 503


class HandoverQueue:
    """Publishing goes to the real queue."""

    def __init__(self, queue: Queue, station: Station) -> None:
        self._queue = queue
        self._station = station
        self._arrived: SimpleQueue[Delivery] = SimpleQueue()
        self._answers: dict[str, Future[int]] = {}
        self._numbers = count(1)
        self._lock = Lock()

    def hand_over(
        self, body: bytes, attempt: int, origin: Station | None = None, message_id: str = ""
    ) -> Future[int]:
        """The future is the request's HTTP status."""
        answer: Future[int] = Future()
        token = str(next(self._numbers))
        with self._lock:
            self._answers[token] = answer
        self._arrived.put(Delivery(self._station, body, attempt, token, origin, message_id))
        return answer

    def publish(self, station: Station, batch_id: str, bodies: Sequence[bytes]) -> None:
        self._queue.publish(station, batch_id, bodies)

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
        for delivery in deliveries:
            with self._lock:
                answer = self._answers.pop(delivery.token, None)
            if answer is not None:
                answer.set_result(status)
