"""start_run: one run, started by itself. It is a batch of one record, so all holds of it that holds
of a batch: it may be repeated with its request id, stopped, retried, pruned; and it is listed as a
run, from the moment that it is asked for. What its flow folds is not: there is nothing to fold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.execution.library import Found
from fanfold.execution.validation import check_input
from fanfold.ports import Ports
from fanfold.sources.open import open_items
from fanfold.steps.create_batch import BatchRequest, content_of, create_batch

SOURCE = "the run's input"


def start_run(
    ports: Ports,
    found: Found,
    data: Any,
    request: BatchRequest,
    sees: Callable[[Batch], bool] = lambda _: True,
) -> Batch:
    """`request` says all but where the record is. Raises SourceInvalid for one that the flow does
    not take."""
    source = open_items(lambda: [data], SOURCE, key_field=request.options.key)
    request = replace(request, source_name=SOURCE, single=True, content=content_of(data))

    def check(it: Any) -> None:
        check_input(found.flow, it)

    return create_batch(ports, request, source.lines, check=check, sees=sees)
