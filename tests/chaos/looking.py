"""What may be said of counts, whenever somebody looks."""

from __future__ import annotations

from collections.abc import Iterable

from fanfold.domain.tally import Counts


def assert_conserved(looks: Iterable[Counts]) -> None:
    """They add up each time, and none that is final ever falls."""
    before = Counts()
    for counts in looks:
        parts = (counts.queued, counts.running, counts.waiting, counts.settled)
        assert counts.total == sum(parts)
        assert min(parts) >= 0
        for name in ("succeeded", "failed", "canceled", "skipped"):
            assert getattr(counts, name) >= getattr(before, name)
        before = counts
