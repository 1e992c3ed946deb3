"""In Python a batch comes after others by their ids."""

from __future__ import annotations

import pytest

from fanfold import flow, run_batch
from fanfold.domain.batch import BatchState
from fanfold.domain.options import BatchOptions
from fanfold.errors import OptionInvalid
from fanfold.execution.library import Library
from fanfold.ports import Ports
from fanfold.sources.iterable import from_iterable
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.status import reason_of
from fanfold.testing.working import working


def test_a_batch_runs_after_others_and_is_skipped_where_one_failed() -> None:
    @flow(retries=0)
    def picky(record: int) -> int:
        if record < 0:
            raise ValueError("negative")
        return record

    good, bad = run_batch(picky, [1]), run_batch(picky, [-1])
    assert run_batch(picky, [2], after=[good.batch_id]).outputs == [2]
    skipped = run_batch(picky, [2], after=[good.batch_id, bad.batch_id])
    assert skipped.status.batch.state is BatchState.SKIPPED
    assert reason_of(skipped.status) == f"it comes after {bad.batch_id}, which failed"
    done = run_batch(picky, [2], after=[bad.batch_id], after_on="end")
    assert done.outputs == [2]
    with pytest.raises(OptionInvalid, match="there is no batch"):
        run_batch(picky, [2], after=["batch-zzzzzzzzzzzzzzzz"])


def test_it_waits_for_one_that_somebody_else_works_on(ports: Ports) -> None:
    request = BatchRequest(Library().find("echo").ref, BatchOptions(), "test")
    first = create_batch(ports, request, lambda: from_iterable([1], name="test"))
    with working(ports):
        assert run_batch("echo", [2], after=[first.id]).outputs == [2]
    assert ports.batches.get(first.id).state is BatchState.COMPLETED
