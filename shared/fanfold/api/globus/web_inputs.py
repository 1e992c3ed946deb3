"""`/v1/web_inputs`: the questions that runs wait with, and the answers.

A question is open until it is answered, and then closed; once its run has ended it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, starmap
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from fanfold.api.asking import Asker, Asking
from fanfold.api.globus.documents import Listed
from fanfold.api.globus.paging import Asked as Page
from fanfold.api.globus.paging import in_order, listed, orders_of, page_of, words_of
from fanfold.api.globus.people import owner_urn, urns_of
from fanfold.api.globus.runs import run_of
from fanfold.api.shapes import moment
from fanfold.domain.access import Action, may
from fanfold.domain.batch import OPEN, Batch
from fanfold.domain.ids import MAX_QUESTION, place_of_question, question_id_of
from fanfold.domain.registered import flow_id_of, uuid_named
from fanfold.errors import QuestionNotFound, RunNotFound
from fanfold.steps.answer import (
    Asked,
    all_questions,
    all_questions_of,
    answer,
    question_numbered,
)
from fanfold.steps.find_batches import Wanted, find_batches

router = APIRouter(prefix="/web_inputs", tags=["web inputs"])
_ROLES = ("viewer", "respondent")
_STATES = ("open", "closed")
_FIELDS = ("created_timestamp", "edited_timestamp", "closed_timestamp")
_BATCHES, _QUESTIONS = 1000, 10_000


class Ref(BaseModel):
    id: str
    title: str


class RunRef(BaseModel):
    id: str
    label: str | None


class WebInputSummary(BaseModel):
    id: str
    status: str
    user_roles: list[str]
    #: `selection`, where there are options; else `value`: any that the schema allows
    input_type: str
    title: str
    flow: Ref
    run: RunRef
    created_timestamp: datetime | None
    edited_timestamp: datetime | None
    closed_timestamp: datetime | None


class Option(BaseModel):
    option_id: str
    label: str
    description: str = ""


class WebInput(WebInputSummary):
    input_schema: Any
    context: dict[str, str]
    options: list[Option]
    roles: dict[str, list[str]]
    creator_urn: str | None


class WebInputList(Listed):
    web_input_summaries: list[WebInputSummary]
    #: the same, by the name of what is listed
    web_inputs: list[WebInputSummary]


class Value(BaseModel):
    value: Any


class Response(BaseModel):
    response: Value


@dataclass(frozen=True, slots=True)
class _Found:
    batch: Batch
    asked: Asked


@router.get("", summary="List web inputs")
def find(
    asker: Asking,
    page: Page,
    filter_roles: Annotated[str | None, Query(description="viewer, respondent")] = None,
    filter_states: Annotated[str | None, Query(description="open, closed")] = None,
    filter_flow_ids: Annotated[str | None, Query(description="any of these, with commas")] = None,
    filter_run_ids: Annotated[str | None, Query(description="any of these, with commas")] = None,
    orderby: Annotated[list[str] | None, Query(description="`created_timestamp DESC`")] = None,
) -> WebInputList:
    """What runs ask that one may see, and have not ended."""
    roles = words_of("filter_roles", filter_roles, _ROLES)
    states = words_of("filter_states", filter_states, _STATES)
    flow_ids = {it.lower() for it in listed(filter_flow_ids)}
    orders = orders_of(orderby, _FIELDS)
    summaries = []
    for it in islice(_asked(asker, listed(filter_run_ids)), _QUESTIONS):
        if it.asked.number > MAX_QUESTION:  # it has no id; the other surface tells of it
            continue
        if flow_ids and flow_id_of(it.batch.flow.name) not in flow_ids:
            continue
        summary = WebInputSummary(**_summary(asker, it))
        if (not roles or not roles.isdisjoint(summary.user_roles)) and (
            not states or summary.status in states
        ):
            summaries.append(summary)
    shown, about = page_of(in_order(summaries, orders), page)
    return WebInputList(web_input_summaries=shown, web_inputs=shown, **about)


@router.get("/{web_input_id}", summary="Look at a web input")
def get(asker: Asking, web_input_id: str) -> WebInput:
    it = _found(asker, Action.SEE, web_input_id)
    options = it.batch.options
    context = {
        "title": it.asked.question.text,
        "presentation_style": "text",
        "text": it.asked.question.text,
    }
    return WebInput(
        **_summary(asker, it),
        input_schema={} if it.asked.question.schema is None else it.asked.question.schema,
        context=context,
        options=[option for option, _ in _options(it.asked)],
        roles={
            "viewer_urns": urns_of(options.monitors),
            "respondent_urns": urns_of(options.managers),
        },
        creator_urn=owner_urn(it.batch.owner),
    )


@router.post("/{web_input_id}/respond", summary="Answer a web input")
def respond(asker: Asking, web_input_id: str, body: Response) -> dict[str, str]:
    """The run goes on with it. An option may be named by its id, or its label. The first answer
    counts, and the same one again changes nothing."""
    it = _found(asker, Action.HOLD, web_input_id)
    value = body.response.value
    for option, meant in _options(it.asked):
        if value in (option.option_id, option.label):
            value = meant
            break
    fanfold, asked = asker.fanfold, it.asked
    by = asker.principal.identity
    answer(fanfold.ports, fanfold.policy, it.batch, asked.index, value, by=by, name=asked.name)
    return {"status": "ok"}


def _found(asker: Asker, do: Action, web_input_id: str) -> _Found:
    """Raises QuestionNotFound, Forbidden."""
    try:
        run_id, number = place_of_question(web_input_id)
        batch, index = run_of(asker, do, run_id)
        return _Found(batch, question_numbered(asker.fanfold.ports, batch, index, number))
    except (ValueError, RunNotFound, QuestionNotFound):
        raise QuestionNotFound(f"No Web Input exists with id value {web_input_id}") from None


def _asked(asker: Asker, run_ids: list[str]) -> Iterator[_Found]:
    ports = asker.fanfold.ports
    if run_ids:
        for run_id in run_ids:
            try:
                batch, index = run_of(asker, Action.SEE, run_id)
            except RunNotFound:
                continue
            for live in ports.leases.lives(batch.id, [index]).values():
                if live.generation == batch.generation:
                    yield from (_Found(batch, it) for it in all_questions_of(live))
        return
    open_ = find_batches(
        ports.batches, Wanted(), OPEN, _BATCHES, also=asker.sees, look_at=_BATCHES
    ).batches
    for batch in open_:
        yield from starmap(_Found, all_questions(ports, batch))


def _summary(asker: Asker, it: _Found) -> dict[str, Any]:
    batch, question = it.batch, it.asked.question
    closed = question.answer.at if question.answer else None
    access = asker.desk.access_of(batch.flow.name)
    roles = ["viewer"]
    if may(asker.principal, Action.HOLD, batch, access):
        roles.append("respondent")
    return {
        "id": question_id_of(it.asked.run_id, it.asked.number),
        "status": "open" if it.asked.is_open else "closed",
        "user_roles": roles,
        "input_type": "selection" if _options(it.asked) else "value",
        "title": question.text,
        "flow": Ref(id=flow_id_of(batch.flow.name), title=batch.flow.heading),
        "run": RunRef(id=it.asked.run_id, label=batch.options.label),
        "created_timestamp": moment(question.asked_at),
        "edited_timestamp": moment(closed or question.asked_at),
        "closed_timestamp": moment(closed),
    }


def _options(asked: Asked) -> list[tuple[Option, Any]]:
    """Where the schema has but a few values; and which each means."""
    schema = asked.question.schema
    if not isinstance(schema, dict):
        return []
    values = [True, False] if schema.get("type") == "boolean" else schema.get("enum")
    if isinstance(values, list):
        return [(_option(it, _text(it), ""), it) for it in values]
    one_of = schema.get("oneOf")
    if isinstance(one_of, list) and all(isinstance(it, dict) and "const" in it for it in one_of):
        return [(_titled(it), it["const"]) for it in one_of]
    return []


def _titled(it: dict[str, Any]) -> Option:
    value = it["const"]
    return _option(value, str(it.get("title", _text(value))), str(it.get("description", "")))


def _option(value: Any, label: str, description: str) -> Option:
    """The command line takes nothing but a UUID for its id."""
    option_id = uuid_named(f"option {json.dumps(value, sort_keys=True)}")
    return Option(option_id=option_id, label=label, description=description)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
