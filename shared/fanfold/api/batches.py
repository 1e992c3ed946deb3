"""`/api/batches`: batches, started, looked at and held."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from fanfold.api.asking import Asker, Asking
from fanfold.api.listing import PAGE, Before, Filter, Limit, listed
from fanfold.api.paging import next_page
from fanfold.api.problems import answers
from fanfold.api.requests import Changes, NewBatch, Retry
from fanfold.api.shapes import BatchShape, CertificateShape, ErrorShape, RetriedShape
from fanfold.api.starting import started
from fanfold.api.waiting import Seconds, until
from fanfold.domain.access import Action
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.lineage import Kind
from fanfold.domain.run import RunState
from fanfold.steps.change import change
from fanfold.steps.create_batch import content_of
from fanfold.steps.pause import pause, resume
from fanfold.steps.retry import Selection, retry
from fanfold.steps.start_batch import records_of
from fanfold.steps.statistics import statistics_of
from fanfold.steps.status import status_from, verify
from fanfold.steps.stop import cancel, wind_down

router = APIRouter(prefix="/api/batches", tags=["batches"])


@router.post("", summary="Start a batch", status_code=201, responses=answers(400, 403, 404, 409))
def create(
    asker: Asking,
    body: NewBatch,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> BatchShape:
    """Start a batch. With an Idempotency-Key the same call, repeated, starts it once."""
    found = asker.flow(Action.START, body.flow)
    source = records_of(found, body, "the request's records")
    content = "" if body.records is None else content_of(body.records)
    request_id = idempotency_key or body.request_id
    shape = started(asker, found, source, body.options, request_id, content)
    response.headers["Location"] = f"/api/batches/{shape.batch_id}"
    return shape


@router.get("", summary="List batches", responses=answers(404))
def find(
    asker: Asking,
    request: Request,
    response: Response,
    only: Filter,
    status: Annotated[BatchState | None, Query(description="only those that are so")] = None,
    parent: Annotated[str | None, Query(max_length=40, description="of its runs' items")] = None,
    limit: Limit = PAGE,
    before: Before = None,
) -> list[BatchShape]:
    """Those one may see, the newest first, but for runs that were started by themselves; or, with
    `parent`, the batches that runs of that one have made of their items. Where there are more, a
    Link header leads there."""
    for named in (before, parent):
        if named is not None:
            asker.batch(Action.SEE, named)
    states = None if status is None else [status]
    wanted = replace(only.wanted(Kind.BATCH), parent=parent)
    found, last = listed(asker, wanted, states, limit, before=before)
    if last:
        response.headers["Link"] = next_page(request, before=last)
    return [_shown(asker, batch) for batch in found]


@router.get("/{batch_id}", summary="Look at a batch", responses=answers(404))
def get(asker: Asking, batch_id: str) -> BatchShape:
    """How it is now: counts that add up, progress, rate, and how long the rest will take."""
    return _shown(asker, asker.batch(Action.SEE, batch_id))


@router.get("/{batch_id}/wait", summary="Wait for a batch", responses=answers(404))
async def wait(asker: Asking, request: Request, batch_id: str, seconds: Seconds = 30) -> BatchShape:
    """It, as soon as it has ended (or its canary has it paused) or the time is over, whichever is
    first."""

    def rests() -> bool:
        return asker.batch(Action.SEE, batch_id).rests

    await until(request, seconds, rests)
    return await run_in_threadpool(get, asker, batch_id)


@router.delete("/{batch_id}", summary="Cancel a batch", responses=answers(403, 404, 409))
def delete(asker: Asking, batch_id: str) -> BatchShape:
    """Cancel it: as POST …/cancel."""
    return stop(asker, batch_id)


@router.post("/{batch_id}/cancel", summary="Cancel a batch", responses=answers(403, 404, 409))
def stop(
    asker: Asking,
    batch_id: str,
    grace: Annotated[float, Query(ge=0, le=86_400, description="seconds to finish in")] = 0.0,
) -> BatchShape:
    """Nothing new starts, what is queued is dropped, what runs is told. Canceling what is canceled
    changes nothing."""
    asker.batch(Action.HOLD, batch_id)
    ports = asker.fanfold.ports
    batch = wind_down(ports, batch_id, grace) if grace else cancel(ports, batch_id)
    return _shown(asker, batch)


@router.post("/{batch_id}/pause", summary="Pause a batch", responses=answers(403, 404, 409))
def hold(asker: Asking, batch_id: str) -> BatchShape:
    """Nothing new starts until it is resumed; what runs, finishes."""
    asker.batch(Action.HOLD, batch_id)
    return _shown(asker, pause(asker.fanfold.ports, batch_id))


@router.post("/{batch_id}/resume", summary="Resume a batch", responses=answers(403, 404, 409))
def go_on(asker: Asking, batch_id: str) -> BatchShape:
    """Everything goes on."""
    asker.batch(Action.HOLD, batch_id)
    return _shown(asker, resume(asker.fanfold.ports, batch_id))


@router.patch("/{batch_id}", summary="Change a batch", responses=answers(400, 403, 404, 409))
def update(asker: Asking, batch_id: str, body: Changes) -> BatchShape:
    """Change options while it runs, and what it comes after while it waits; label, tags and who may
    look at it or hold it at any time."""
    asker.batch(Action.HOLD, batch_id)
    changes = body.model_dump(exclude_unset=True)
    return _shown(asker, change(asker.fanfold.ports, batch_id, changes, asker.sees))


@router.post(
    "/{batch_id}/retry", summary="Run some records again", responses=answers(400, 403, 404, 409)
)
def again(asker: Asking, batch_id: str, body: Retry) -> RetriedShape:
    """Run some records again, with today's code; the other results are kept."""
    batch = asker.batch(Action.HOLD, batch_id)
    selection = Selection(
        states=frozenset(RunState(it) for it in body.states),
        errors=frozenset(body.errors),
        ids=None if body.indexes is None else frozenset(body.indexes),
        what=_in_words(body),
    )
    changes: dict[str, Any] = body.model_dump(
        include={"concurrency", "max_failures", "max_spend", "canary", "deadline"},
        exclude_none=True,
    )
    if body.parameters is not None:
        changes["parameters"] = {**batch.options.parameters, **body.parameters}
    ports = asker.fanfold.ports
    done = retry(ports, batch_id, selection, changes, generation=body.generation)
    return RetriedShape(retried=done.records, batch=_shown(asker, done.batch))


@router.get("/{batch_id}/errors", summary="Its failures by kind", responses=answers(404))
def errors(asker: Asking, batch_id: str) -> list[ErrorShape]:
    """Its failures by what is the same in them, the most frequent first."""
    status = status_from(asker.fanfold.ports, asker.batch(Action.SEE, batch_id))
    return [ErrorShape.of(it) for it in statistics_of(status).errors]


@router.get(
    "/{batch_id}/certificate",
    summary="Prove that its counts are right",
    responses=answers(404, 409),
)
def certificate(asker: Asking, batch_id: str) -> CertificateShape:
    """Derived anew, now. It is of a batch that has ended; before that it cannot hold."""
    asker.batch(Action.SEE, batch_id)
    return CertificateShape.of(verify(asker.fanfold.ports, batch_id))


def _shown(asker: Asker, batch: Batch) -> BatchShape:
    return BatchShape.of(status_from(asker.fanfold.ports, batch), on_google=asker.on_google)


def _in_words(body: Retry) -> str:
    words = [f"--{it}" for it in body.states] + [f"--error {it}" for it in body.errors]
    if body.indexes is not None:
        words.append(f"{len(body.indexes)} indexes")
    return " ".join(words)
