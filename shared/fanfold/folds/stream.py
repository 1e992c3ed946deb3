"""A batch's results, one for each record, in record order, from the runs' own documents.

Nothing is left out and nothing moves up: a record without a document (canceled, skipped, or not
run yet) has its slot like any other. Read in chunks, so that memory does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.order import combination_of
from fanfold.domain.outcome import Canceled, Failed, Skipped, Succeeded, Value
from fanfold.domain.pruning import check_not_pruned
from fanfold.domain.run import RunState
from fanfold.domain.settling import Settled
from fanfold.folds.ahead import ahead
from fanfold.folds.result import Result
from fanfold.ports import Batches, Blobs, Runs


def result_of(run: Settled, blobs: Blobs) -> Result:
    """A settled run's result."""
    match run.outcome:
        case None:
            return Result(run.index, run.key, run.state, run.text)
        case Succeeded(output):
            return Result(run.index, run.key, run.state, text_of(output, blobs))
        case Failed(failure):
            error = {"type": failure.type, "message": failure.message}
            return Result(run.index, run.key, run.state, error=error)
        case Canceled(why) | Skipped(why):
            return Result(run.index, run.key, run.state, error=_told(run.state, why))


def missing(index: int, key: str | None, rest: RunState, reason: str = "") -> Result:
    """The result of a record without a document: it is `rest`, for `reason`."""
    return Result(index, key, rest, error=_told(rest, reason))


def text_of(value: Value | None, blobs: Blobs) -> str | None:
    """The JSON text of a result or of a batch's output, wherever it is kept."""
    if value is None:
        return None
    return value.text if value.blob is None else b"".join(blobs.read(value.blob)).decode()


def stream_results(
    runs: Runs,
    batches: Batches,
    blobs: Blobs,
    batch: Batch,
    *,
    start: int = 0,
    stop: int | None = None,
    chunk: int = 250,
) -> Iterator[Result]:
    """The results of records [start, stop) of the batch, as far as its records are known.

    While the tally is open, a record without a document is queued; once it is closed, it never
    will be run. (Queued is said of a running or waiting run as well: its result is to come.)
    """
    check_not_pruned(batch)
    end = batch.known_total if stop is None else min(stop, batch.known_total)
    ranges = [range(low, min(low + chunk, end)) for low in range(max(0, start), end, chunk)]
    # of an open batch, what lies ahead may not be there yet: it is read when it is its turn
    number = runs.reads_ahead if batch.closed is not None else 0
    settled = ahead((partial(_settled, runs, batch, it) for it in ranges), number)
    found = (
        result
        for indexes, outcomes in zip(ranges, settled, strict=True)
        for result in _results(outcomes, batches, blobs, batch, indexes)
    )
    options = batch.options
    if not options.grid:
        return found
    return (replace(it, parameters=combination_of(options, it.index)) for it in found)


def _settled(runs: Runs, batch: Batch, indexes: range) -> list[Settled]:
    return list(runs.outcomes(batch.id, indexes.start, indexes.stop))


def _results(
    settled: list[Settled], batches: Batches, blobs: Blobs, batch: Batch, indexes: range
) -> Iterator[Result]:
    keys: dict[int, str | None] = {}
    index, high = indexes.start, indexes.stop
    for run in (*settled, None):
        stop = high if run is None else run.index
        if index < stop:  # these have no document; a chunk's keys are read once, if at all
            keys = keys or {it.index: it.key for it in batches.records(batch.id, index, high)}
            rest, reason = rest_of(batch)
            yield from (missing(it, keys.get(it), rest, reason) for it in range(index, stop))
        if run is not None:
            yield result_of(run, blobs)
            index = run.index + 1


def rest_of(batch: Batch) -> tuple[RunState, str]:
    """What the records without a document are: as domain.batch.close counts them."""
    if batch.closed is None:
        return RunState.QUEUED, ""
    if batch.ending is None:
        return RunState.SKIPPED, ""
    canceled = batch.ending.state is BatchState.CANCELED
    return RunState.CANCELED if canceled else RunState.SKIPPED, batch.ending.reason


def _told(state: RunState, reason: str) -> dict[str, str] | None:
    """Why there is no output; nothing to tell of what may still come."""
    match state:
        case RunState.CANCELED | RunState.SKIPPED:
            return {
                "type": state.value.capitalize(),
                "message": reason or f"{state} before its run",
            }
        case _:
            return None
