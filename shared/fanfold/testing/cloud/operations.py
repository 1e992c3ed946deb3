"""What has been done, counted the way it is billed.

A document read costs one read, found or not; a query one per answer, and one when there is none; an
aggregation one per thousand index entries; each written or deleted document one. A request that
publishes, pulls or pushes messages costs their bytes, and a thousand at least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from threading import Lock
from typing import Any

_LEAST_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Operations:
    """A snapshot; the difference of two is what happened in between."""

    #: requests, refused ones too, by method
    calls: Counter[str] = field(default_factory=Counter)
    #: by document's path
    writes: Counter[str] = field(default_factory=Counter)
    deletes: Counter[str] = field(default_factory=Counter)
    #: by collection
    reads: Counter[str] = field(default_factory=Counter)
    #: messages by topic
    published: Counter[str] = field(default_factory=Counter)
    #: messages by subscription, each delivery
    delivered: Counter[str] = field(default_factory=Counter)
    #: bytes by topic and by subscription
    billed: Counter[str] = field(default_factory=Counter)

    def __sub__(self, earlier: Operations) -> Operations:
        pairs = ((getattr(self, it.name), getattr(earlier, it.name)) for it in fields(self))
        return Operations(*(later - before for later, before in pairs))

    @property
    def written(self) -> int:
        return self.writes.total()

    @property
    def read(self) -> int:
        return self.reads.total()

    @property
    def deleted(self) -> int:
        return self.deletes.total()

    def writes_by_collection(self) -> Counter[str]:
        return _by_collection(self.writes)

    def deletes_by_collection(self) -> Counter[str]:
        return _by_collection(self.deletes)

    def hottest(self, count: int = 1) -> list[tuple[str, int]]:
        """The documents written most often."""
        return self.writes.most_common(count)


class Meter:
    def __init__(self) -> None:
        self._lock = Lock()
        self._so_far = Operations()

    def snapshot(self) -> Operations:
        with self._lock:
            counters = (getattr(self._so_far, it.name) for it in fields(self._so_far))
            return Operations(*(Counter(counter) for counter in counters))

    def called(self, method: str) -> None:
        with self._lock:
            self._so_far.calls[method] += 1

    def wrote(self, paths: Iterable[str], deleted: Iterable[str]) -> None:
        with self._lock:
            self._so_far.writes.update(paths)
            self._so_far.deletes.update(deleted)

    def read(self, collection: str, documents: int) -> None:
        with self._lock:
            self._so_far.reads[collection] += documents

    def published(self, topic: str, messages: Sequence[Any]) -> None:
        with self._lock:
            self._so_far.published[topic] += len(messages)
            self._so_far.billed[topic] += _billed(messages)

    def delivered(self, subscription: str, messages: Sequence[Any]) -> None:
        with self._lock:
            self._so_far.delivered[subscription] += len(messages)
            self._so_far.billed[subscription] += _billed(messages)


def _billed(messages: Sequence[Any]) -> int:
    size: int = sum(message.ByteSize() for message in messages)
    return max(_LEAST_BYTES, size)


def collection_of(path: str) -> str:
    """Its own name, without what it lies in: `slots`."""
    return path.rsplit("/", 2)[-2]


def _by_collection(counter: Counter[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for path, count in counter.items():
        found[collection_of(path)] += count
    return found
