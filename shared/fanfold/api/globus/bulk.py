"""Many of one call in one request: in order, each with its own error, so many at a time.

What goes wrong with one leaves the others alone, and the answer is 200: each item says what came
of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from fanfold.api.asking import Asker, Asking
from fanfold.api.globus.abreast import USUAL, abreast
from fanfold.api.globus.action_providers import RoleDocument, provider_of, role_of
from fanfold.api.globus.errors import told
from fanfold.api.globus.flow_documents import FlowDocument, flow_document
from fanfold.api.globus.flows import seen
from fanfold.api.globus.repeated import Key, tokens_of
from fanfold.api.globus.run_documents import Facts, RunDocument, run_document
from fanfold.api.globus.runs import run_of, shown, single
from fanfold.api.globus.starting import NewRun, started
from fanfold.domain.access import Action
from fanfold.errors import FanfoldError
from fanfold.steps.find_run import whole_run
from fanfold.steps.known_flows import Known
from fanfold.steps.stop import cancel

router = APIRouter(tags=["bulk"])
MOST = 1000
T = TypeVar("T")
Name = Annotated[str, Field(max_length=100)]
Names = Annotated[list[Name], Field(max_length=MOST)]


class _Bulk(BaseModel):
    #: items under way at once
    concurrency: Annotated[int, Field(ge=1, le=100)] = USUAL


class Runs(_Bulk):
    #: each as of POST /runs
    runs: Annotated[list[dict[str, Any]], Field(max_length=MOST)]


class RunIds(_Bulk):
    run_ids: Names


class FlowIds(_Bulk):
    flow_ids: Names


class RoleIds(_Bulk):
    role_ids: Names


class ItemError(BaseModel):
    code: str
    description: str


class _Item(BaseModel):
    """What came of one: it, or an error."""

    index: int
    error: ItemError | None = None


class RunItem(_Item):
    #: of one that was asked for by its id, or was started
    run_id: str | None = None
    run: RunDocument | None = None


class FlowItem(_Item):
    flow_id: str
    flow: FlowDocument | None = None


class RoleItem(_Item):
    role_id: str
    role: RoleDocument | None = None


class RunResults(BaseModel):
    results: list[RunItem]


class FlowResults(BaseModel):
    results: list[FlowItem]


class RoleResults(BaseModel):
    results: list[RoleItem]


@router.post("/runs/batch", summary="Start many runs")
def run(asker: Asking, body: Runs, key: Annotated[Key, Depends()]) -> RunResults:
    """Two that are alike are two; the whole request, repeated, starts each of them once."""
    now = asker.fanfold.ports.clock.now()
    tokens = tokens_of(key.said, body.model_dump(mode="json"), now)
    flows, facts = _Flows(asker), Facts(asker)

    def one(index: int, given: dict[str, Any]) -> RunDocument:
        it = _parsed(given)
        own = (
            tokens.item(index)
            if it.request_id is None
            else tokens_of(it.request_id, it.content, now)
        )
        begun = started(asker, flows.seen(it.flow_id), it, own)
        return shown(facts, begun.batch, repeated=begun.repeated)

    results = []
    for index, (document, error) in enumerate(_each(body.runs, body.concurrency, one)):
        run_id = None if document is None else document.run_id
        results.append(RunItem(index=index, run_id=run_id, run=document, error=error))
    return RunResults(results=results)


@router.post("/runs/batch_get", summary="Look at many runs")
def get(asker: Asking, body: RunIds) -> RunResults:
    facts = Facts(asker)

    def one(_: int, run_id: str) -> RunDocument:
        batch, index = run_of(asker, Action.SEE, run_id)
        whole = whole_run(asker.fanfold.ports, batch, index)
        return RunDocument(**run_document(facts, whole))

    return _runs(body, one)


@router.post("/runs/batch_cancel", summary="Cancel many runs")
def stop(asker: Asking, body: RunIds) -> RunResults:
    facts = Facts(asker)

    def one(_: int, run_id: str) -> RunDocument:
        batch = single(asker, run_id)
        return shown(facts, cancel(asker.fanfold.ports, batch.id))

    return _runs(body, one)


@router.post("/flows/batch_get", summary="Look at many flows")
def get_flows(asker: Asking, request: Request, body: FlowIds) -> FlowResults:
    flows, base = _Flows(asker, Action.SEE_FLOW), str(request.base_url)

    def one(_: int, flow_id: str) -> FlowDocument:
        return FlowDocument(**flow_document(asker, flows.seen(flow_id), base))

    found = _each(body.flow_ids, body.concurrency, one)
    return FlowResults(
        results=[
            FlowItem(index=index, flow_id=body.flow_ids[index], flow=document, error=error)
            for index, (document, error) in enumerate(found)
        ]
    )


@router.post("/action_providers/{provider_id}/roles/batch_get", summary="Look at many roles")
def get_roles(asker: Asking, provider_id: str, body: RoleIds) -> RoleResults:
    provider = provider_of(asker, provider_id)

    def one(_: int, role_id: str) -> RoleDocument:
        return role_of(provider, role_id)

    found = _each(body.role_ids, body.concurrency, one)
    return RoleResults(
        results=[
            RoleItem(index=index, role_id=body.role_ids[index], role=document, error=error)
            for index, (document, error) in enumerate(found)
        ]
    )


class _Flows:
    """Each is looked up once. Two threads may both look; they find the same."""

    def __init__(self, asker: Asker, do: Action = Action.START) -> None:
        self._asker, self._do = asker, do
        self._found: dict[str, Known | FanfoldError] = {}

    def seen(self, flow_id: str) -> Known:
        """Raises FlowNotFound, Forbidden."""
        found = self._found.get(flow_id)
        if found is None:
            try:
                found = seen(self._asker, self._do, flow_id)
            except FanfoldError as error:
                found = error
            self._found[flow_id] = found
        if isinstance(found, Known):
            return found
        raise found


def _runs(body: RunIds, one: Callable[[int, str], RunDocument]) -> RunResults:
    found = _each(body.run_ids, body.concurrency, one)
    return RunResults(
        results=[
            RunItem(index=index, run_id=body.run_ids[index], run=document, error=error)
            for index, (document, error) in enumerate(found)
        ]
    )


def _each(
    its: Sequence[Any], concurrency: int, one: Callable[[int, Any], T]
) -> list[tuple[T | None, ItemError | None]]:
    return abreast(lambda it: _tried(one, *it), list(enumerate(its)), concurrency)


def _tried(one: Callable[[int, T], Any], index: int, it: T) -> tuple[Any, ItemError | None]:
    try:
        return one(index, it), None
    except Exception as error:  # noqa: BLE001  it is told, and an unexpected one logged
        return None, ItemError(**told(error).as_item)


def _parsed(given: dict[str, Any]) -> NewRun:
    try:
        return NewRun.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from None
