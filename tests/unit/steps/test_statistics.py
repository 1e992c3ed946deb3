"""A batch's statistics come from its status alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.batch import Batch
from fanfold.domain.durations import durations_of
from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.source import Source
from fanfold.domain.tally import ErrorGroup, Tally, conserve
from fanfold.steps.statistics import statistics_of
from fanfold.steps.status import Status

BATCH = Batch(
    id="batch-aaaaaaaaaaaaaaaa",
    flow=FlowRef("shout", "1", "flows:shout"),
    source=Source("blob", "records"),
    options=BatchOptions(),
    request_digest="",
    created_at=100.0,
    started_at=102.0,
)


def status(tally: Tally, total: int, seconds: float, batch: Batch = BATCH) -> Status:
    return Status(batch, tally, conserve(total, tally), seconds)


def test_the_rate_counts_from_the_start_and_the_wall_from_the_creation() -> None:
    told = statistics_of(status(Tally(succeeded=30, failed=10, attempts=45), 50, 10.0))
    assert told.records_per_second == pytest.approx(40 / 8)
    assert told.wall_seconds == 10.0
    assert told.attempts == 45
    assert (told.counts.total, told.counts.queued) == (50, 10)


def test_durations_are_known_to_nine_percent_and_the_mean_exactly() -> None:
    seconds = [0.001 * n for n in range(1, 1001)]
    tally = Tally(succeeded=1000, seconds=sum(seconds), durations=durations_of(seconds))
    spread = statistics_of(status(tally, 1000, 60.0)).durations
    assert spread is not None
    assert spread.mean == pytest.approx(0.5005)
    assert spread.p50 == pytest.approx(0.5, rel=0.1)
    assert spread.p90 == pytest.approx(0.9, rel=0.1)
    assert spread.p99 == pytest.approx(0.99, rel=0.1)
    assert spread.max == pytest.approx(1.0, rel=0.1)


def test_what_has_not_begun_has_no_rate_and_no_durations() -> None:
    told = statistics_of(status(Tally(), 0, 0.0, replace(BATCH, started_at=None)))
    assert (told.records_per_second, told.durations, told.errors) == (None, None, ())
    assert statistics_of(status(Tally(), 5, 4.0)).records_per_second is None


def test_runs_that_were_never_tried_have_no_duration() -> None:
    told = statistics_of(status(Tally(canceled=3), 3, 9.0))
    assert told.durations is None


def test_errors_are_the_most_frequent_first() -> None:
    groups = {
        name: ErrorGroup(name, count, "ValueError", "", "", index)
        for name, count, index in (("a", 1, 0), ("b", 5, 9), ("c", 5, 2))
    }
    told = statistics_of(status(Tally(failed=11, errors=groups), 11, 9.0))
    assert [group.fingerprint for group in told.errors] == ["c", "b", "a"]
