"""A batch's results as they come: in record order, each once, until the batch has ended.

The next record is what everybody behind it waits for. While it is not settled, it alone is asked
for; once it is, more are asked for at once, up to a chunk: a look at what has not changed costs one
read, whatever lies behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fanfold.domain.run import RunState
from fanfold.folds.result import Result
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports

_CHUNK = 500


def follow_results(
    ports: Ports, batch_id: str, wait: Callable[[], None], is_over: Callable[[], bool]
) -> Iterator[Result | None]:
    """The results; a None before each wait, so that nobody keeps back what has come. Ends early
    when `is_over` says so."""
    position, chunk = 0, 1
    while not is_over():
        batch = ports.batches.get(batch_id)
        stop = min(position + chunk, batch.known_total)
        for result in stream_results(
            ports.runs, ports.batches, ports.blobs, batch, start=position, stop=stop
        ):
            if is_over() or result.status is RunState.QUEUED:
                break
            yield result
            position = result.index + 1
        if position < stop or stop == batch.known_total:
            if batch.ended and position == batch.known_total:
                return
            yield None
            wait()
            chunk = 1
        else:
            chunk = min(_CHUNK, 2 * chunk)
