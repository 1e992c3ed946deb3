"""`/api/batches/{batch_id}/jobs` and `/results`: the records of a batch, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from fanfold.api.asking import Asker, Asking
from fanfold.api.paging import next_page
from fanfold.api.problems import answers
from fanfold.api.shapes import JobShape, ResultShape
from fanfold.domain.access import Action
from fanfold.domain.batch import Batch
from fanfold.domain.run import RunState
from fanfold.folds.exports.format import JsonLines, Lines
from fanfold.folds.exports.table import Table
from fanfold.folds.result import Result
from fanfold.folds.stream import stream_results
from fanfold.steps.find_run import index_of

router = APIRouter(prefix="/api/batches/{batch_id}", tags=["results"])
PAGE = 100
_SENT = 64 * 1024
_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
Status = Annotated[RunState | None, Query(description="only those that are so")]


@router.get("/jobs", summary="List its records", responses=answers(404, 409))
def jobs(
    asker: Asking,
    request: Request,
    response: Response,
    batch_id: str,
    status: Status = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = PAGE,
    start: Annotated[int, Query(ge=0, le=1 << 40, description="from this index on")] = 0,
) -> list[JobShape]:
    """Its records in order, queued ones included, without their outputs. Where there are more, a
    Link header leads there."""
    batch = asker.batch(Action.SEE, batch_id)
    found: list[Result] = []
    for result in _results(asker, batch, start, None):
        if status is not None and result.status is not status:
            continue
        if len(found) == limit:
            response.headers["Link"] = next_page(request, start=result.index)
            break
        found.append(result)
    return [JobShape.of(it) for it in found]


@router.get("/jobs/{record_id:path}", summary="Look at a record", responses=answers(404, 409))
def job(
    asker: Asking,
    batch_id: str,
    record_id: Annotated[str, Path(max_length=1000, description="an index, or a key")],
) -> ResultShape:
    """One record's output, or its error and where that was raised, its attempts and its log."""
    batch = asker.batch(Action.SEE, batch_id)
    ports = asker.fanfold.ports
    index = index_of(ports, batch, record_id)
    (result,) = _results(asker, batch, index, index + 1)
    run = ports.runs.read(batch_id, [index]).get(index)
    live = None if run else ports.leases.lives(batch_id, [index]).get(index)
    shape = ResultShape.whole(result, run, live)
    if run is not None and asker.holds(batch):
        shape.traceback = run.traceback
    return shape


@router.get(
    "/results",
    summary="Stream its results",
    response_class=StreamingResponse,
    responses={
        200: {"content": {it.split(";")[0]: {} for it in _TYPES.values()}},
        **answers(404, 409),
    },
)
def results(
    asker: Asking,
    batch_id: str,
    status: Status = None,
    start: Annotated[int, Query(ge=0, le=1 << 40, description="from this index on")] = 0,
    stop: Annotated[int | None, Query(ge=0, le=1 << 40, description="below this index")] = None,
    format: Literal["jsonl", "csv"] = "jsonl",  # noqa: A002  it is what one asks for
) -> StreamingResponse:
    """Every record's result in record order, as lines of JSON or as CSV, streamed."""
    batch = asker.batch(Action.SEE, batch_id)
    chosen: Lines = Table() if format == "csv" else JsonLines()
    found = _results(asker, batch, start, stop)
    wanted = (it for it in found if status is None or it.status is status)
    return StreamingResponse(_written(chosen, wanted), media_type=_TYPES[format])


def _written(chosen: Lines, wanted: Iterator[Result]) -> Iterator[bytes]:
    first = next(wanted, None)
    buffer = bytearray(chosen.begin(first))
    if first is not None:
        buffer += chosen.line(first)
    for result in wanted:
        buffer += chosen.line(result)
        if len(buffer) >= _SENT:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)


def _results(asker: Asker, batch: Batch, start: int, stop: int | None) -> Iterator[Result]:
    ports = asker.fanfold.ports
    return stream_results(ports.runs, ports.batches, ports.blobs, batch, start=start, stop=stop)
