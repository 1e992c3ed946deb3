"""Completion: is every record settled? Every path that ends a record asks, and so does the seal.

*The duty to ask is always in an unacked message.* A process may share its questions: it acks
without having asked since its last settle only while it holds another unacked message of the
batch. `Duty` keeps count of what is held, so that whoever gives back the last one asks first. A
crash before the question leaves that message unacked; its redelivery asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
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


def generation_of(batch: Batch) -> Hashable:
    """What is asked about: who is still at a run of an older generation asks about that one."""
    return batch.id, batch.generation


class Duty:
    """What this process holds of each generation of a batch, and whether it owes a question."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: dict[Hashable, int] = defaultdict(int)
        self._owes: set[Hashable] = set()

    def take(self, generation: Hashable, messages: int = 1) -> None:
        with self._lock:
            self._held[generation] += messages

    def owe(self, generation: Hashable) -> None:
        with self._lock:
            self._owes.add(generation)

    def give_back(self, generation: Hashable, messages: int) -> bool:
        """Before acking so many: whether the caller must ask first."""
        with self._lock:
            self._held[generation] -= messages
            if self._held[generation] > 0:
                return False
            del self._held[generation]
            owed = generation in self._owes
            self._owes.discard(generation)
            return owed

    def held(self, generation: Hashable) -> int:
        with self._lock:
            return self._held.get(generation, 0)
