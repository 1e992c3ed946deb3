"""The results of a batch that succeeded, for another batch to be made of."""

from __future__ import annotations

from collections.abc import Iterator

from fanfold.domain.batch import Batch
from fanfold.errors import SourceInvalid
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.sources.results import PREFIX, Results


def results_as_source(ports: Ports, batch: Batch) -> Results:
    """Of a batch that has ended: what is still to come would be missing."""
    name = PREFIX + batch.id
    if not batch.ended:
        raise SourceInvalid(
            f"{name}: it is {batch.state}. Wait until it has ended: fanfold wait {batch.id}"
        )

    def items() -> Iterator[tuple[int, str | None, str]]:
        for result in stream_results(ports.runs, ports.batches, ports.blobs, batch):
            if result.ok and result.text is not None:
                yield result.index, result.key, result.text

    return Results(name, f"generation {batch.generation}", items)
