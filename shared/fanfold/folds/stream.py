"""A batch's results, one for each record, in record order, from the runs' own documents.

Nothing is left out and nothing moves up: a record without a document (canceled, skipped, or not
run yet) has its slot like any other. Read in chunks, so that memory does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.order import combination_of
from fanfold.domain.outcome import Canceled, Failed, Skipped, Succeeded, Value
from fanfold.domain.run import Run, RunState
from fanfold.folds.result import Result
from fanfold.ports import Batches, Blobs, Runs


def result_of(
    run: Run | None, index: int, key: str | None, rest: RunState, blobs: Blobs, reason: str = ""
) -> Result:
    """A settled run's result; with no document, that of a record that is `rest` for `reason`."""
    if run is None:
        return Result(index, key, rest, error=_told(rest, reason))
    match run.outcome:
        case Succeeded(output):
            return Result(index, run.key, run.state, text=text_of(output, blobs))
        case Failed(failure):
            error = {"type": failure.type, "message": failure.message}
            return Result(index, run.key, run.state, error=error)
        case Canceled(why) | Skipped(why):
            return Result(index, run.key, run.state, error=_told(run.state, why))


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
    chunk: int = 500,
) -> Iterator[Result]:
    """The results of records [start, stop) of the batch, as far as its records are known.

    While the tally is open, a record without a document is queued; once it is closed, it never
    will be run. (Queued is said of a running or waiting run as well: its result is to come.)
    """
    rest, reason = _rest_of(batch)
    end = batch.known_total if stop is None else min(stop, batch.known_total)
    for low in range(max(0, start), end, chunk):
        high = min(low + chunk, end)
        found = runs.read(batch.id, range(low, high))
        keys: dict[int, str | None] = {}
        if len(found) < high - low:
            keys = {it.index: it.key for it in batches.records(batch.id, low, high)}
        for index in range(low, high):
            result = result_of(found.get(index), index, keys.get(index), rest, blobs, reason)
            own = combination_of(batch.options, index)
            yield result if own is None else replace(result, parameters=own)


def _rest_of(batch: Batch) -> tuple[RunState, str]:
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
