"""Documents and transactions in memory: commits are atomic, one after another."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Condition
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from fanfold.testing.cloud import writes as rules
from fanfold.testing.cloud.clock import CloudClock
from fanfold.testing.cloud.limits import Limits, Pace
from fanfold.testing.cloud.refusal import aborted, invalid

#: a transaction that asks for nothing for so long has ended
_IDLE_SECONDS = 60.0


@dataclass(slots=True)
class _Transaction:
    touched: float
    #: update times of what it has read; None for what was not there
    read: dict[str, int | None] = field(default_factory=dict)


class Documents:
    def __init__(self, clock: CloudClock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._pace = Pace(limits)
        self._changed = Condition()
        self._stored: dict[str, Any] = {}
        self._collections: dict[str, dict[str, Any]] = defaultdict(dict)
        self._transactions: dict[bytes, _Transaction] = {}
        self._ended: set[bytes] = set()
        self._numbers = count(1)
        self._last_time = 0

    # ---------------------------------------------------------------- reads

    def get(self, paths: Iterable[str], transaction: bytes) -> dict[str, Any]:
        """Each with its document, or None. What a document is, is never changed, only replaced."""
        with self._changed:
            found = {path: self._stored.get(path) for path in paths}
            if transaction:
                it = self._open(transaction)
                self._check_reads(it)
                it.read |= {path: _version(document) for path, document in found.items()}
            return found

    def collection(self, path: str) -> list[Any]:
        """By id."""
        with self._changed:
            inside = self._collections.get(path, {})
            return [inside[name] for name in sorted(inside)]

    def fields_by_collection(self) -> frozenset[tuple[str, str]]:
        """Those that some document has."""
        with self._changed:
            return frozenset(
                (path.rsplit("/", 1)[-1], field)
                for path, documents in self._collections.items()
                for document in documents.values()
                for field in document.fields
            )

    # --------------------------------------------------------- transactions

    def begin(self) -> bytes:
        with self._changed:
            name = b"transaction-%d" % next(self._numbers)
            self._transactions[name] = _Transaction(self._clock.now())
            return name

    def rollback(self, transaction: bytes) -> None:
        with self._changed:
            if transaction not in self._ended:
                self._open(transaction)
                self._end(transaction)

    def open_transactions(self) -> int:
        """Those that hold on to what they read, for tests that look for what was left behind."""
        with self._changed:
            self._expire()
            return len(self._transactions)

    # --------------------------------------------------------------- commit

    def commit(self, writes: Sequence[Any], transaction: bytes) -> tuple[list[Any], Any]:
        """The result of each write, and the time. It ends the transaction, however it goes."""
        paths = {rules.path_of(write) for write in writes}
        if paths:
            self._pace.admit(paths)
        with self._changed:
            own = self._open(transaction) if transaction else None
            try:
                self._wait_for(paths, own)
                if own is not None:
                    self._check_reads(own)
                if self._limits.missing_first:
                    rules.check_missing(writes, self._stored)
                now = self._tick()
                staged: dict[str, Any] = {}
                results = []
                for write in writes:
                    path = rules.path_of(write)
                    staged[path], result = rules.apply(write, self._stored, staged, now)
                    results.append(result)
                for path, document in staged.items():
                    if document is not None:
                        self._limits.check_document(path, document.ByteSize())
            finally:
                if own is not None:
                    self._end(transaction)
            for path, document in staged.items():
                self._put(path, document)
            return results, now

    def _put(self, path: str, document: Any) -> None:
        collection, _, name = path.rpartition("/")
        if document is None:
            self._stored.pop(path, None)
            self._collections[collection].pop(name, None)
        else:
            self._stored[path] = self._collections[collection][name] = document

    def _wait_for(self, paths: set[str], own: _Transaction | None) -> None:
        """Until no other transaction holds what is to be written."""
        deadline = time.monotonic() + self._limits.lock_seconds
        while self._limits.pessimistic and self._held_by_others(paths, own):
            left = deadline - time.monotonic()
            if left <= 0:
                raise aborted("Transaction lock timeout.")
            self._changed.wait(left)

    def _held_by_others(self, paths: set[str], own: _Transaction | None) -> bool:
        self._expire()
        others = (it for it in self._transactions.values() if it is not own)
        return any(not paths.isdisjoint(it.read) for it in others)

    def _check_reads(self, it: _Transaction) -> None:
        for path, version in it.read.items():
            if _version(self._stored.get(path)) != version:
                raise aborted(f"{path} has changed since the transaction read it")

    def _open(self, transaction: bytes) -> _Transaction:
        self._expire()
        if transaction in self._ended:
            raise invalid("Transaction is invalid or closed.")
        it = self._transactions.get(transaction)
        if it is None:
            raise invalid("Invalid transaction.")
        it.touched = self._clock.now()
        return it

    def _expire(self) -> None:
        since = self._clock.now() - _IDLE_SECONDS
        for name in [name for name, it in self._transactions.items() if it.touched < since]:
            self._end(name)

    def _end(self, transaction: bytes) -> None:
        # it may have expired while its commit waited
        self._transactions.pop(transaction, None)
        self._ended.add(transaction)
        self._changed.notify_all()

    def _tick(self) -> Any:
        """Later than any before it, in microseconds, as the emulator's."""
        self._last_time = max(self._last_time + 1, int(self._clock.now() * 1_000_000))
        now = Timestamp()
        now.FromMicroseconds(self._last_time)
        return now


def _version(document: Any) -> int | None:
    if document is None:
        return None
    version: int = document.update_time.ToNanoseconds()
    return version
