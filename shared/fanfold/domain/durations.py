"""How long runs took, as counts in buckets that grow with what they hold.

A bucket is a quarter of a doubling, from a microsecond on: whatever was measured is known to 9 %,
in some hundred small numbers for any number of runs. Buckets only ever grow, so they are counted
in slots like all else; percentiles of a million runs cost no read of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, log2

#: bucket → how many runs
Durations = Mapping[int, int]

_SMALLEST = 1e-6
_PER_DOUBLING = 4
#: a year, and whatever lasts longer
LAST_BUCKET = 179


def bucket_of(seconds: float) -> int:
    if seconds <= _SMALLEST:
        return 0
    return min(LAST_BUCKET, int(_PER_DOUBLING * log2(seconds / _SMALLEST)))


def durations_of(seconds: Iterable[float]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for it in seconds:
        bucket = bucket_of(it)
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


def add_durations(known: Durations, more: Durations) -> Durations:
    if not more:
        return known
    return {
        bucket: known.get(bucket, 0) + more.get(bucket, 0) for bucket in sorted({*known, *more})
    }


def percentile(durations: Durations, share: float) -> float | None:
    """The seconds that this share of the runs did not exceed; None where there are no runs."""
    total = sum(durations.values())
    if not total:
        return None
    wanted = max(1, ceil(share * total))
    seen = 0
    for bucket in sorted(durations):
        seen += durations[bucket]
        if seen >= wanted:
            return middle_of(bucket)
    return middle_of(max(durations))


def middle_of(bucket: int) -> float:
    """What stands for a bucket: the middle of it, by ratio."""
    return float(_SMALLEST * 2 ** ((bucket + 0.5) / _PER_DOUBLING))
