"""`/v1/runs`, and starting them: those that were started by themselves; by its id any record's run
of any batch."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from fanfold.api.asking import Asker, Asking
from fanfold.api.globus.flow_documents import FlowDescription
from fanfold.api.globus.flows import seen
from fanfold.api.globus.listing import RunFilter, found_runs
from fanfold.api.globus.logs import LogList, log_page
from fanfold.api.globus.paging import Asked
from fanfold.api.globus.repeated import Key, tokens_of
from fanfold.api.globus.run_documents import (
    Facts,
    RunDocument,
    RunList,
    RunWithFlow,
    run_document,
)
from fanfold.api.globus.starting import (
    NewRun,
    RunBody,
    RunChanges,
    Started,
    check_may_start,
    started,
)
from fanfold.domain.access import Action
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.registered import flow_id_of, made_of
from fanfold.domain.run import RunState
from fanfold.errors import Conflict, RunNotFound
from fanfold.execution.validation import input_schema
from fanfold.graphs.states import definition_of
from fanfold.steps.change import change
from fanfold.steps.find_run import run_at, whole_run
from fanfold.steps.pause import resume
from fanfold.steps.prune import prune_one
from fanfold.steps.stop import cancel
from fanfold.steps.wake import make_due, wake_due

router = APIRouter(tags=["runs"])


@router.post("/flows/{flow_id}/run", summary="Start a run of a flow", status_code=201)
def run_flow(
    asker: Asking, response: Response, flow_id: str, body: RunBody, key: Annotated[Key, Depends()]
) -> RunDocument:
    """A repetition of this request finds the run that it has started, and answers 200."""
    return _start(asker, response, NewRun(flow_id=flow_id, **_given(body)), key)


@router.post("/runs", summary="Start a run", status_code=201)
def create(
    asker: Asking, response: Response, body: NewRun, key: Annotated[Key, Depends()]
) -> RunDocument:
    """The same, with the flow in the body."""
    return _start(asker, response, body, key)


@router.post("/flows/{flow_id}/validate_run", summary="Check what a run would be started with")
def validate_run(asker: Asking, flow_id: str, body: RunBody) -> dict[str, str]:
    """Nothing is started."""
    known = seen(asker, Action.START, flow_id)
    check_may_start(known, NewRun(flow_id=flow_id, **_given(body)))
    return {"message": "validation successful"}


@router.get("/runs", summary="List runs")
def find(asker: Asking, asked: Asked, only: Annotated[RunFilter, Depends()]) -> RunList:
    """Those that were started by themselves and that one may see, the newest first unless an order
    is asked for."""
    runs, about = found_runs(asker, asked, only)
    return RunList(runs=[RunDocument(**it) for it in runs], **about)


@router.get("/runs/{run_id}", summary="Look at a run", response_model=RunWithFlow | RunDocument)
def get(
    asker: Asking,
    run_id: str,
    include_flow_description: Annotated[bool, Query(description="add what its flow is")] = False,
) -> RunDocument:
    """How it is now, with its input and its output."""
    batch, index = run_of(asker, Action.SEE, run_id)
    facts = Facts(asker)
    document = run_document(facts, whole_run(asker.fanfold.ports, batch, index))
    if not include_flow_description:
        return RunDocument(**document)
    flow = FlowDescription(**facts.description(batch))
    return RunWithFlow(**document, flow_description=flow)


@router.put("/runs/{run_id}", summary="Change what is said of a run")
def update(asker: Asking, run_id: str, body: RunChanges) -> RunDocument:
    """Its label, its tags, and who may look at it and hold it; what is not named stays."""
    batch = single(asker, run_id)
    return shown(Facts(asker), change(asker.fanfold.ports, batch.id, body.changes))


router.patch("/runs/{run_id}", summary="Change what is said of a run")(update)


@router.post("/runs/{run_id}/cancel", summary="Cancel a run")
def stop(asker: Asking, run_id: str) -> RunDocument:
    """Canceling what is canceled changes nothing."""
    batch = single(asker, run_id)
    return shown(Facts(asker), cancel(asker.fanfold.ports, batch.id))


@router.post("/runs/{run_id}/resume", summary="Have a run go on")
def go_on(asker: Asking, run_id: str) -> RunDocument:
    """One that is paused, or waits for the time of its next attempt: that is now. What waits for an
    answer goes on when it is given (`web_inputs`)."""
    batch = single(asker, run_id)
    ports = asker.fanfold.ports
    if batch.state is BatchState.PAUSED:
        return shown(Facts(asker), resume(ports, batch.id))
    view = run_at(ports, batch, 0)
    if view.ended:
        raise Conflict(f"Run {view.run_id} has ended, as {view.state}: it cannot go on")
    if view.questions:
        raise Conflict(f"Run {view.run_id} waits for an answer: respond to its web input")
    if view.state is RunState.WAITING and not view.children and make_due(ports, batch, 0):
        wake_due(ports, asker.fanfold.policy, batch)
    return shown(Facts(asker), batch)


@router.post("/runs/{run_id}/release", summary="Remove a run")
def release(asker: Asking, run_id: str) -> RunDocument:
    """One that has ended: what went in and what came out is gone."""
    batch = single(asker, run_id)
    ports = asker.fanfold.ports
    document = shown(Facts(asker), batch)
    if not batch.ended:
        raise Conflict(
            f"Run {document.run_id} has status {document.status!r} but must have status in "
            "{'SUCCEEDED', 'FAILED', 'CANCELED'} for requested operation"
        )
    prune_one(ports, batch.id)
    return document


@router.get("/runs/{run_id}/definition", summary="Look at what a run runs")
def definition(asker: Asking, run_id: str) -> dict[str, Any]:
    """Of a registered flow what the run was started with, whatever became of the flow since."""
    batch, _ = run_of(asker, Action.SEE, run_id)
    flow = asker.fanfold.library.resolve(batch.flow)
    return {
        "flow_id": flow_id_of(batch.flow.name),
        "definition": definition_of(flow, made_of(batch.flow.place)),
        "input_schema": input_schema(flow) or {},
    }


@router.get("/runs/{run_id}/log", summary="Read the log of a run")
def log(
    asker: Asking,
    asked: Asked,
    run_id: str,
    reverse_order: Annotated[bool, Query(description="the latest first")] = False,
) -> LogList:
    """What has become of it and what its flow has written."""
    batch, index = run_of(asker, Action.SEE, run_id)
    whole = whole_run(asker.fanfold.ports, batch, index)
    return log_page(whole, asked, latest_first=reverse_order)


def run_of(asker: Asker, do: Action, run_id: str) -> tuple[Batch, int]:
    """One that was removed is not there. Raises RunNotFound, Forbidden."""
    batch, index = asker.run(do, run_id)
    if batch.pruned_at is not None:
        raise RunNotFound
    return batch, index


def single(asker: Asker, run_id: str) -> Batch:
    """Raises Conflict for what is not by itself."""
    batch, index = run_of(asker, Action.HOLD, run_id)
    if not batch.single:
        raise Conflict(
            f"this is record {index} of {batch.id}, and no run by itself: change or cancel that"
        )
    return batch


def shown(facts: Facts, batch: Batch, *, repeated: bool = False) -> RunDocument:
    whole = whole_run(facts.asker.fanfold.ports, batch, 0)
    return RunDocument(**run_document(facts, whole, repeated=repeated))


def _given(body: RunBody) -> dict[str, Any]:
    return body.model_dump(exclude_unset=True)


def _start(asker: Asker, response: Response, body: NewRun, key: Key) -> RunDocument:
    known = seen(asker, Action.START, body.flow_id)
    now = asker.fanfold.ports.clock.now()
    it: Started = started(
        asker, known, body, tokens_of(body.request_id or key.said, body.content, now)
    )
    if it.repeated:
        response.status_code = 200
    return shown(Facts(asker), it.batch, repeated=it.repeated)
