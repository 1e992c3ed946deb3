"""In Python a batch comes after others by their ids."""

from __future__ import annotations

from fanfold import flow, run_batch
from fanfold.domain.batch import BatchState


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
    assert f"it comes after {bad.batch_id}, which failed" in str(skipped)
    done = run_batch(picky, [2], after=[bad.batch_id], after_on="end")
    assert done.outputs == [2]


def test_those_it_comes_after_are_run_with_it() -> None:
    from fanfold.settings import Settings
    from fanfold.sources.iterable import from_iterable
    from fanfold.steps.create_batch import BatchRequest, create_batch
    from fanfold.wiring import open_fanfold

    with open_fanfold(Settings.from_env()) as fanfold:
        found = fanfold.library.named("echo")
        request = BatchRequest(found.ref, _no_options(), "test")
        first = create_batch(fanfold.ports, request, lambda: from_iterable([1], name="test"))
    assert run_batch("echo", [2], after=[first.id]).outputs == [2]


def _no_options():  # type: ignore[no-untyped-def]
    from fanfold.domain.options import BatchOptions

    return BatchOptions()
