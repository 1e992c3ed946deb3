"""Progress, made of one status after another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.source import Source
from fanfold.domain.tally import Counts, Tally
from fanfold.notebook.progress import Teller
from fanfold.steps.status import Status

BATCH = Batch(
    id="batch-aaaaaaaaaaaaaaaa",
    flow=FlowRef("shout", "1", "flows:shout"),
    source=Source("blob", "records"),
    options=BatchOptions(),
    request_digest="",
    created_at=0.0,
    state=BatchState.RUNNING,
    total=1000,
)


def status(seconds: float, succeeded: int, failed: int = 0, batch: Batch = BATCH) -> Status:
    queued = 1000 - succeeded - failed
    counts = Counts(total=1000, queued=queued, succeeded=succeeded, failed=failed)
    return Status(batch, Tally(succeeded=succeeded, failed=failed), counts, seconds)


def test_the_first_look_knows_no_rate() -> None:
    progress = Teller().see(status(0.0, 0))
    assert (progress.rate, progress.eta) == (None, None)
    assert str(progress) == "running: 0 of 1,000 records"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    pace = Teller()
    seen = [pace.see(status(float(second), 10 * second)) for second in range(20)]
    assert seen[-1].rate == pytest.approx(10)
    seen = [pace.see(status(float(second), 190)) for second in range(20, 31)]
    assert (seen[-1].rate, seen[-1].eta) == (0.0, None)


def test_the_time_to_go_is_told_once_the_total_is_known() -> None:
    pace, growing = Teller(), replace(BATCH, total=None)
    pace.see(status(0.0, 0, batch=growing))
    progress = pace.see(status(1.0, 80, 20, batch=growing))
    assert (progress.rate, progress.eta) == (100.0, None)
    assert str(progress) == "running: 100 of 1,000+ records, 20 failed, 100.0/s"
    progress = pace.see(status(2.0, 180, 20))
    assert progress.eta == pytest.approx(8.0)
    assert str(progress).endswith("100.0/s, 8 s to go")
