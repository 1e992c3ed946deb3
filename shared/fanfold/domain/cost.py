"""What a batch would cost on the google engine: its operations, counted ahead, times list prices.

The numbers of operations are the protocol's (steps.settle, steps.fan_out, steps.finalize), told for
a batch that meets no trouble: each message is delivered once, each record is tried once. What
depends on how it will run is assumed, and said: how many outcomes gather in a commit above all.
`benchmarks/operations.py` counts the same operations of a real batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, floor

from fanfold.domain import prices
from fanfold.domain.outcome import MAX_INLINE_OUTPUT_BYTES
from fanfold.domain.prices import Price
from fanfold.domain.records import MAX_INLINE_BYTES, MAX_PAGE_BYTES, MAX_PAGE_RECORDS

MILLION = 1_000_000
#: The naive design: a document, a counter and a status written for each record, one at a time.
NAIVE_DOLLARS_PER_MILLION = 4.50

#: runs that an instance has at once, and so outcomes that may gather in one commit
RUNS_AT_ONCE = 32
#: outcomes in one commit, on the mean; 12 to 25 were measured
GROUP = 20
#: a process asks whether all is settled when it holds nothing: once in so many commits
_COMMITS_PER_ASK = 10
#: a batch's counters are split over so many documents; a process adds to one of them
_SLOTS = 64
_RUNS_PER_PROCESS = 1000
#: looks at the window for each release
_LOOKS_PER_RELEASE = 1.25
#: turns of so many seconds are reserved by one write, as long as attempts wait for theirs
_SECONDS_PER_RESERVATION = 2.0
#: what a run's message has besides its record
_ENVELOPE_BYTES = 177
#: what a run's document has besides its output, index entries included
_DOCUMENT_BYTES = 700
#: a run has a lease from here on, renewed as often
_LEASE_AFTER, _RENEW_SECONDS = 5.0, 20.0
#: a bucket's objects are read in pieces of
_PIECE_BYTES = 4 * 1024 * 1024
_INDEX_ENTRIES_PER_READ = 1000
#: a batch that goes well and is over soon is told of when it starts and when it ends
_EVENTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    records: int
    #: of a record's JSON, on the mean
    record_bytes: float
    #: of a parameter grid: each record runs once with each
    combinations: int = 1
    concurrency: int | None = None
    #: attempts that may begin per second; None: any number
    rate: float | None = None
    #: of a result's JSON, on the mean
    output_bytes: float = 200.0
    #: whether the flow has a fold, which reads every result
    folds: bool = False
    #: that a run takes, on the mean; None: not known, and the instances' time is left out
    seconds: float | None = None
    runs_at_once: int = RUNS_AT_ONCE

    @property
    def runs(self) -> int:
        return self.records * self.combinations

    @property
    def least_seconds(self) -> float | None:
        """That its rate has it take; None: no rate does."""
        return None if self.rate is None else max(0, self.runs - 1) / self.rate

    @property
    def in_flight(self) -> int:
        """Of one instance."""
        return min(self.concurrency or self.runs_at_once, self.runs_at_once)

    @property
    def has_large_outputs(self) -> bool:
        return self.output_bytes > MAX_INLINE_OUTPUT_BYTES

    @property
    def is_long(self) -> bool:
        return self.seconds is not None and self.seconds > _LEASE_AFTER


@dataclass(frozen=True, slots=True)
class Operations:
    #: of documents, by collection
    writes: Mapping[str, int]
    reads: Mapping[str, int]
    deletes: Mapping[str, int]
    publish_requests: int
    #: each is pushed, and each push is an invocation
    messages: int
    #: published, and pushed to nobody unless somebody subscribes
    events: int
    bytes_published: int
    bytes_pushed: int
    bucket_writes: int
    bucket_reads: int
    #: that instances are at work; None: not known
    instance_seconds: float | None
    document_bytes: int
    bucket_bytes: int


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    amount: float
    price: Price

    @property
    def dollars(self) -> float:
        return self.price.of(self.amount)


@dataclass(frozen=True, slots=True)
class Estimate:
    workload: Workload
    operations: Operations
    #: what it costs once
    once: tuple[Line, ...]
    #: what it costs for each month that it is kept
    monthly: tuple[Line, ...]

    @property
    def dollars(self) -> float:
        return sum(line.dollars for line in self.once)

    @property
    def dollars_a_month(self) -> float:
        return sum(line.dollars for line in self.monthly)

    @property
    def dollars_per_million(self) -> float:
        """What a million such records would cost: less for each than a few."""
        return estimate(replace(self.workload, records=MILLION)).dollars


def estimate(workload: Workload) -> Estimate:
    operations = operations_of(workload)
    return Estimate(workload, operations, tuple(_once(operations)), tuple(_monthly(operations)))


def operations_of(it: Workload) -> Operations:
    runs, limited = it.runs, it.concurrency is not None
    source_bytes, paged_bytes = ceil(it.records * it.record_bytes), ceil(runs * it.record_bytes)
    pages = max(ceil(runs / MAX_PAGE_RECORDS), ceil(paged_bytes / MAX_PAGE_BYTES))
    commits = ceil(runs / min(GROUP, it.in_flight))
    releases = ceil(runs / _released_at_once(it)) if limited else 0
    requests = (releases + 2 if limited else 2 * pages + 2) + _EVENTS
    others = 2 if limited else pages + 2  # messages that are no run's
    large = runs if it.has_large_outputs else 0
    message = _message_bytes(it)
    least = prices.LEAST_REQUEST_BYTES
    alone = others + _EVENTS  # each a request
    published = max((requests - alone) * least, ceil(runs * message)) + alone * least
    return Operations(
        writes=_writes(it, pages, commits, releases),
        reads=_reads(it, pages, commits, releases),
        deletes=_without_zeros(
            slots=_slots(runs), control=int(limited), live=runs if it.is_long else 0
        ),
        publish_requests=requests,
        messages=runs + others,
        events=_EVENTS,
        bytes_published=published,
        bytes_pushed=ceil(runs * max(least, message)) + others * least,
        bucket_writes=1 + large,
        bucket_reads=ceil(source_bytes / _PIECE_BYTES) + (large if it.folds else 0),
        instance_seconds=None if it.seconds is None else runs * it.seconds / it.in_flight,
        document_bytes=paged_bytes
        + ceil(runs * (_DOCUMENT_BYTES + (0 if large else it.output_bytes))),
        bucket_bytes=source_bytes + (ceil(runs * it.output_bytes) if large else 0),
    )


def _released_at_once(it: Workload) -> int:
    """A settled group lets so many follow, or a sixteenth of the limit, if that is more."""
    limit = it.concurrency or 1
    return max(1, min(GROUP, it.in_flight), limit // 16)


def _message_bytes(it: Workload) -> float:
    inline = it.record_bytes if it.record_bytes <= MAX_INLINE_BYTES else 0
    return _ENVELOPE_BYTES + inline


def _reservations(it: Workload) -> int:
    if it.rate is None:
        return 0
    return ceil(it.runs / max(1.0, min(it.rate * _SECONDS_PER_RESERVATION, it.concurrency or 1)))


def _slots(runs: int) -> int:
    return min(_SLOTS, ceil(runs / _RUNS_PER_PROCESS))


def _writes(it: Workload, pages: int, commits: int, releases: int) -> dict[str, int]:
    renewals = (
        1 + floor((it.seconds - _LEASE_AFTER) / _RENEW_SECONDS)
        if (it.seconds is not None and it.is_long)
        else 0
    )
    return _without_zeros(
        runs=it.runs,
        slots=commits,  # the first of each slot makes it
        control=(1 + releases if it.concurrency is not None else 0) + _reservations(it),
        pages=pages,
        # created, started, sealed, closed, ended; what it was told of; folded
        batches=pages + 5 + _EVENTS + int(it.folds),
        live=it.runs * renewals,
    )


def _reads(it: Workload, pages: int, commits: int, releases: int) -> dict[str, int]:
    looks = ceil(releases * _LOOKS_PER_RELEASE)
    by_reference = it.runs if it.record_bytes > MAX_INLINE_BYTES else 0
    recount = 2 * ceil(it.runs / _INDEX_ENTRIES_PER_READ)  # all of them, and what succeeded
    closing = _SLOTS + _slots(it.runs) + 1
    return _without_zeros(
        runs=recount + (it.runs if it.folds else 0),
        slots=closing + ceil(commits / _COMMITS_PER_ASK) + looks,
        control=looks + _reservations(it),
        pages=(pages if it.concurrency is None else releases) + by_reference,
        batches=2 * pages + 9 + looks + _EVENTS + int(it.folds),
        live=it.runs if it.is_long else 0,
    )


def _without_zeros(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _once(it: Operations) -> Iterator[Line]:
    yield Line("document writes", sum(it.writes.values()), prices.DOCUMENT_WRITES)
    yield Line("document reads", sum(it.reads.values()), prices.DOCUMENT_READS)
    yield Line("document deletes", sum(it.deletes.values()), prices.DOCUMENT_DELETES)
    yield Line("bytes published", it.bytes_published, prices.MESSAGE_BYTES)
    yield Line("bytes pushed", it.bytes_pushed, prices.MESSAGE_BYTES)
    yield Line("function invocations", it.messages, prices.INVOCATIONS)
    yield Line("bucket writes", it.bucket_writes, prices.BUCKET_WRITES)
    yield Line("bucket reads", it.bucket_reads, prices.BUCKET_READS)
    if it.instance_seconds is not None:
        yield Line("vCPU-seconds", it.instance_seconds, prices.VCPU_SECONDS)
        yield Line("GiB-seconds", it.instance_seconds, prices.GIB_SECONDS)


def _monthly(it: Operations) -> Iterator[Line]:
    yield Line("bytes in documents", it.document_bytes, prices.DOCUMENT_STORAGE)
    yield Line("bytes in the bucket", it.bucket_bytes, prices.BUCKET_STORAGE)
