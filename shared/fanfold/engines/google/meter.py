"""What a process asks of Google's services, counted as it passes on the wire.

    calls on a channel ─▶ Meter (an interceptor) ─▶ Counts ─▶ folder/{pid}.json, twice a second

Counted the way it is billed: a document that is written or deleted, one that is read (found or
not), a thousand index entries of an aggregation, a query without an answer like one with one. What
a fold or an export reads is counted apart: it is asked for by name, and each result once.

The file is there for whoever measures processes that end without notice, as functions do. It is
replaced whole, so that it can be read at any time.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import grpc

from fanfold.engines.google.documents import SETTLED_FIELDS

WRITES = "writes"
DELETES = "deletes"
READS = "reads"
RESULTS_READ = "results_read"
PUBLISHES = "publishes"
PUBLISHED = "published"
PULLS = "pulls"
COMMITS = "commits"

_WRITE_SECONDS = 0.5
_ENTRIES_OF_A_READ = 1000


class Meter(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Put it on a channel: `grpc.intercept_channel(channel, meter)`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> Counter[str]:
        with self._lock:
            return Counter(self._counts)

    def intercept_unary_unary(
        self, proceed: Callable[[Any, Any], Any], call: Any, request: Any
    ) -> Any:
        outcome = proceed(call, request)
        if outcome.exception() is not None:  # of what was refused nothing is written, or billed
            return outcome
        raw = _raw(request)
        match _method(call):
            case "Commit":
                deleted = sum(bool(write.delete) for write in raw.writes)
                self._add({COMMITS: 1, DELETES: deleted, WRITES: len(raw.writes) - deleted})
            case "Publish":
                self._add({PUBLISHES: 1, PUBLISHED: len(raw.messages)})
            case "Pull":
                self._add({PULLS: 1})
            case _:  # free, or not worth telling
                pass
        return outcome

    def intercept_unary_stream(
        self, proceed: Callable[[Any, Any], Any], call: Any, request: Any
    ) -> Any:
        method, raw = _method(call), _raw(request)
        if method == "BatchGetDocuments":
            of_results = list(raw.mask.field_paths) == list(SETTLED_FIELDS)
            self._add({RESULTS_READ if of_results else READS: len(raw.documents)})
            return proceed(call, request)
        return self._counted(method, proceed(call, request))

    def _counted(self, method: str, answers: Iterator[Any]) -> Iterator[Any]:
        reads = 0
        for answer in answers:
            raw = _raw(answer)
            if method == "RunQuery":
                reads += raw.HasField("document")
            elif method == "RunAggregationQuery":
                counted = raw.result.aggregate_fields.get("count")
                entries = counted.integer_value if counted is not None else 0
                reads += ceil(entries / _ENTRIES_OF_A_READ)
            yield answer
        self._add({READS: max(1, reads)})

    def _add(self, more: dict[str, int]) -> None:
        with self._lock:
            self._counts.update(more)


@contextmanager
def kept_in(folder: Path) -> Iterator[Meter]:
    """A meter whose counts are in the folder, in a file of this process."""
    meter, ending = Meter(), Event()
    file = folder / f"{os.getpid()}.json"

    def keep() -> None:
        is_ending = False
        known: Counter[str] | None = None
        while not is_ending:
            is_ending = ending.wait(_WRITE_SECONDS)
            counts = meter.counts
            if counts != known:
                known = counts
                beside = file.with_suffix(".part")
                beside.write_text(json.dumps(counts), encoding="utf-8")
                beside.replace(file)

    folder.mkdir(parents=True, exist_ok=True)
    thread = Thread(target=keep, name="fanfold-meter", daemon=True)
    thread.start()
    try:
        yield meter
    finally:
        ending.set()
        thread.join()


def read_all(folder: Path) -> Counter[str]:
    """The counts of every process that kept them there."""
    found: Counter[str] = Counter()
    for file in folder.glob("*.json"):
        found.update(json.loads(file.read_text(encoding="utf-8")))
    return found


def _method(call: Any) -> str:
    method = call.method
    name: str = method.decode() if isinstance(method, bytes) else method
    return name.rpartition("/")[2]


def _raw(message: Any) -> Any:
    """Without the wrapper that the generated clients put around it."""
    kind = type(message)
    return kind.pb(message) if hasattr(kind, "pb") else message
