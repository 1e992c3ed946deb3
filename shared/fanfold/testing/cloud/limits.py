"""What the real services impose and the emulators do not, or not in the same way."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from fanfold.testing.cloud.refusal import aborted, invalid

MIB = 1024 * 1024


@dataclass(slots=True)
class Limits:
    """May be changed while the cloud runs; seconds are real ones."""

    request_bytes: int = 10 * MIB
    document_bytes: int = MIB
    #: of several reasons to refuse a commit, tell of a missing document, not of the first write
    missing_first: bool = False
    #: how long each commit takes
    commit_seconds: float = 0.0
    #: a transaction's reads make others wait who write what it read; else they make it fail
    pessimistic: bool = True
    #: how long a write waits for a document that another's transaction has read
    lock_seconds: float = 2.0
    #: sustained writes to one document; the real limit is about one
    document_writes_per_second: float | None = None
    #: what becomes of a write beyond that
    beyond: Literal["abort", "delay"] = "abort"
    #: a pull answers empty so long before its caller gives up
    pull_margin: float = 1.0

    def check_request(self, size: int) -> None:
        if size > self.request_bytes:
            raise invalid(f"the request has {size} bytes, more than {self.request_bytes}")

    def check_document(self, path: str, size: int) -> None:
        if size > self.document_bytes:
            raise invalid(f"the document {path} has {size} bytes, more than {self.document_bytes}")


class Pace:
    """How soon each document may be written again."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = Lock()
        self._next: dict[str, float] = {}

    def admit(self, paths: set[str]) -> None:
        """Returns when these may be written, or refuses. A refused write takes no turn."""
        rate = self._limits.document_writes_per_second
        if rate is None:
            return
        with self._lock:
            now = time.monotonic()
            at = max(self._next.get(path, now) for path in paths)
            if at > now and self._limits.beyond == "abort":
                raise aborted("too much contention on these documents")
            at = max(at, now)
            self._next |= dict.fromkeys(paths, at + 1 / rate)
        time.sleep(at - now)
