"""A batch is started for whoever asks; the same for a body that names its records and for one that
is its records."""

from __future__ import annotations

from typing import Any

from fanfold.api.asking import Asker
from fanfold.api.shapes import BatchShape
from fanfold.domain.options import BatchOptions
from fanfold.execution.library import Found
from fanfold.execution.validation import check_input
from fanfold.sources.open import Opened
from fanfold.sources.problems import Problems
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.status import status_of


def started(
    asker: Asker,
    found: Found,
    source: Opened,
    options: BatchOptions,
    request_id: str | None,
    content: str = "",
) -> BatchShape:
    """Its owner is who asks; a request id is theirs alone."""
    request = BatchRequest(
        found.ref,
        options,
        source_name=source.name,
        request_id=request_id,
        principal=asker.principal.identity,
        owner=asker.principal.identity,
        source_version=source.version,
        content=content,
    )

    def check(data: Any) -> None:
        check_input(found.flow, data)

    ports = asker.fanfold.ports
    problems = Problems()
    batch = create_batch(
        ports,
        request,
        lambda: source.lines(problems),
        check=check,
        problems=problems,
        sees=asker.sees,
    )
    return BatchShape.of(status_of(ports, batch.id), on_google=asker.on_google)
