"""In Python a canary that fails is an exception, and going on is resuming."""

from __future__ import annotations

import pytest

from fanfold import Context, flow, resume_batch, run_batch
from fanfold.notebook import BatchHeld


def test_a_canary_that_fails_raises_and_resuming_goes_on_with_the_rest() -> None:
    @flow(retries=0)
    def picky(record: int, ctx: Context) -> int:
        ctx.spend(0.5)
        if record == 1:
            raise ValueError("not this one")
        return record

    with pytest.raises(BatchHeld, match="1 of the first 3 records failed") as raised:
        run_batch(picky, range(10), canary=3)
    (note,) = raised.value.__notes__
    batch_id = note.split()[0]
    done = resume_batch(batch_id, picky)
    assert (done.status.counts.succeeded, done.status.counts.failed) == (9, 1)
    assert done.statistics.spent == 5.0
