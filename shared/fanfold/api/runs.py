"""`/api/runs`: one run, started by itself; and any run by its id, whichever batch it is of."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from fanfold.api.asking import Asker, Asking
from fanfold.api.listing import PAGE, Before, Filter, Limit, listed
from fanfold.api.paging import next_page
from fanfold.api.problems import answers
from fanfold.api.requests import About, NewRun
from fanfold.api.run_shapes import RunLogShape, RunShape, WholeRunShape
from fanfold.api.waiting import Seconds, until
from fanfold.domain.access import Action
from fanfold.domain.batch import ENDED, Batch, BatchState
from fanfold.domain.ids import run_id_of
from fanfold.domain.lineage import Kind
from fanfold.domain.run import TERMINAL, RunState
from fanfold.errors import Conflict
from fanfold.steps.change import change
from fanfold.steps.create_batch import BatchRequest
from fanfold.steps.find_run import RunView, log_of, run_at, whole_run
from fanfold.steps.start_run import SOURCE, start_run
from fanfold.steps.stop import cancel

router = APIRouter(prefix="/api/runs", tags=["runs"])
_NOT_ENDED = frozenset(BatchState) - ENDED


@router.post("", summary="Run a flow once", status_code=201, responses=answers(400, 403, 404, 409))
def create(
    asker: Asking,
    body: NewRun,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> WholeRunShape:
    """Run a flow once, on this input. With an Idempotency-Key the same call, repeated, starts it
    once."""
    found = asker.flow(Action.START, body.flow)
    request = BatchRequest(
        found.ref,
        body.options,
        source_name=SOURCE,
        request_id=idempotency_key or body.request_id,
        principal=asker.principal.identity,
        owner=asker.principal.identity,
    )
    batch = start_run(asker.fanfold.ports, found, body.input, request, asker.sees)
    shape = _whole(asker, batch, 0)
    response.headers["Location"] = f"/api/runs/{shape.run_id}"
    return shape


@router.get("", summary="List single runs", responses=answers(404))
def find(
    asker: Asking,
    request: Request,
    response: Response,
    only: Filter,
    status: Annotated[RunState | None, Query(description="only those that are so")] = None,
    limit: Limit = PAGE,
    before: Before = None,
) -> list[RunShape]:
    """Those that were started by themselves and that one may see, the newest first. Where there
    are more, a Link header leads there."""
    ports = asker.fanfold.ports
    found: dict[str, RunView] = {}

    def is_so(batch: Batch) -> bool:
        view = found[batch.id] = run_at(ports, batch, 0)
        return status is None or view.state is status

    states = None if status is None or status in TERMINAL else _NOT_ENDED
    behind = None if before is None else asker.run(Action.SEE, before)[0].id
    wanted = only.wanted(Kind.RUN)
    batches, last = listed(asker, wanted, states, limit, before=behind, also=is_so)
    if last:
        response.headers["Link"] = next_page(request, before=run_id_of(last, 0))
    return [RunShape.of(found[batch.id]) for batch in batches]


@router.get("/{run_id}", summary="Look at a run", responses=answers(404, 409))
def get(asker: Asking, run_id: str) -> WholeRunShape:
    """How it is now, with its input and its output; of any record of any batch."""
    return _whole(asker, *asker.run(Action.SEE, run_id))


@router.patch(
    "/{run_id}", summary="Change what is said of a run", responses=answers(400, 403, 404, 409)
)
def update(asker: Asking, run_id: str, body: About) -> WholeRunShape:
    """Change its label, its tags, or who may look at it and hold it; at any time."""
    batch = _single(asker, run_id)
    changes = body.model_dump(exclude_unset=True)
    return _whole(asker, change(asker.fanfold.ports, batch.id, changes), 0)


@router.post("/{run_id}/cancel", summary="Cancel a run", responses=answers(403, 404, 409))
def stop(asker: Asking, run_id: str) -> WholeRunShape:
    """It does not start any more or, if it runs, is told to stop and not waited for. Canceling
    what is canceled changes nothing."""
    batch = _single(asker, run_id)
    return _whole(asker, cancel(asker.fanfold.ports, batch.id), 0)


@router.get("/{run_id}/log", summary="Read the log of a run", responses=answers(404, 409))
def log(
    asker: Asking,
    request: Request,
    response: Response,
    run_id: str,
    start: Annotated[int, Query(ge=0, le=1 << 40, description="so many are passed over")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = 100,
) -> list[RunLogShape]:
    """What has become of it and what its flow has written, in that order in time. What a flow
    writes is there once the run has ended, or waits. Where there is more, a Link header leads
    there."""
    batch, index = asker.run(Action.SEE, run_id)
    entries = islice(log_of(whole_run(asker.fanfold.ports, batch, index)), start, None)
    shown = [RunLogShape.of(code, entry) for code, entry in islice(entries, limit)]
    if next(entries, None) is not None:
        response.headers["Link"] = next_page(request, start=start + limit)
    return shown


@router.get("/{run_id}/wait", summary="Wait for a run", responses=answers(404, 409))
async def wait(
    asker: Asking, request: Request, run_id: str, seconds: Seconds = 30
) -> WholeRunShape:
    """It, as soon as it has ended or the time is over, whichever is first."""

    def has_ended() -> bool:
        return run_at(asker.fanfold.ports, *asker.run(Action.SEE, run_id)).ended

    await until(request, seconds, has_ended)
    return await run_in_threadpool(get, asker, run_id)


def _single(asker: Asker, run_id: str) -> Batch:
    """Raises Conflict for what is not by itself."""
    batch, index = asker.run(Action.HOLD, run_id)
    if not batch.single:
        raise Conflict(
            f"this is record {index} of {batch.id}, and no run by itself: change or cancel that"
        )
    return batch


def _whole(asker: Asker, batch: Batch, index: int) -> WholeRunShape:
    whole = whole_run(asker.fanfold.ports, batch, index)
    shape = WholeRunShape.whole(whole)
    shape.traceback = whole.traceback if asker.holds(batch) else None
    return shape
