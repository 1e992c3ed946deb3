"""Completion: is every record settled? Every path that ends a record asks, and so does the seal.

*The duty to ask is always in an unacked message.* A process may share its questions: it acks
without having asked since its last settle only while it holds another unacked message of the
batch. `Duty` keeps count of what is held, so that whoever gives back the last one asks first. A
crash before the question leaves that message unacked; its redelivery asks.
"""

from __future__ import annotations

from collections import defaultdict
from threading import Lock

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import FinalizationMessage
from fanfold.ports import Ports, Station


def ask(ports: Ports, batch: Batch) -> bool:
    """Publish a finalization if the sum of the slots equals the sealed total. "Sealed" may be
    from an older view, "unsealed" may not."""
    if not batch.sealed:
        batch = ports.batches.get(batch.id)
    if batch.state is BatchState.CANCELING:
        request_finalization(ports, batch)
        return True
    if not batch.sealed or not batch.is_open:
        return False
    if not batch.is_complete(ports.runs.settled(batch.id)):
        return False
    request_finalization(ports, batch)
    return True


def request_finalization(ports: Ports, batch: Batch) -> None:
    message = FinalizationMessage(batch_id=batch.id, generation=batch.generation)
    ports.queue.publish(Station.FINALIZATIONS, batch.id, [message.encode()])


class Duty:
    """What this process holds of each batch, and whether it owes the batch a question."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: dict[str, int] = defaultdict(int)
        self._owes: set[str] = set()

    def take(self, batch_id: str, messages: int = 1) -> None:
        with self._lock:
            self._held[batch_id] += messages

    def owe(self, batch_id: str) -> None:
        with self._lock:
            self._owes.add(batch_id)

    def give_back(self, batch_id: str, messages: int) -> bool:
        """Before acking so many: whether the caller must ask first."""
        with self._lock:
            self._held[batch_id] -= messages
            if self._held[batch_id] > 0:
                return False
            del self._held[batch_id]
            owed = batch_id in self._owes
            self._owes.discard(batch_id)
            return owed

    def held(self, batch_id: str) -> int:
        with self._lock:
            return self._held.get(batch_id, 0)
