"""Errors as problem documents (RFC 9457). What went wrong inside is logged, and not told.

An error of the asker's tells its own words, which say the remedy; another one may name a path, a
host or a query in its words, and is told in general ones.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from fanfold import log
from fanfold.errors import (
    AnswerInvalid,
    BatchNotFound,
    Conflict,
    FanfoldError,
    FlowNotFound,
    NotAllowed,
    NotThere,
    OptionInvalid,
    QuestionNotFound,
    RecordNotFound,
    RecordsInvalid,
    RunNotFound,
    SourceBroken,
    SourceInvalid,
    handling_of,
)

MEDIA_TYPE = "application/problem+json"
_TOLD = (
    *(OptionInvalid, SourceInvalid, AnswerInvalid, QuestionNotFound, NotThere),
    *(Conflict, NotAllowed),
)
#: of what is not there, whether one may know of it or not
_NOT_THERE = {
    BatchNotFound: "there is no such batch here",
    FlowNotFound: "there is no such flow here",
    RunNotFound: "there is no such run here",
    RecordNotFound: "the batch has no such record",
}
RETRY_SECONDS = 5
#: a source's name, which may have colons in it; a line or a record's number; what is wrong
_PLACE = re.compile(r"(.+?)(?::(\d+): |: (?:item|record) (\d+):? )(.*)", re.DOTALL)


class Place(BaseModel):
    """One thing that is wrong, and where."""

    #: of a request's field: its place; of a record: the source's name and its line or number
    loc: list[str]
    msg: str
    type: str
    #: of what was sent line by line, counted from 1
    line: int | None = None


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(examples=["urn:fanfold:batch-not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no such batch here"])
    #: of a request that is not well formed, or of records: what is wrong where
    errors: list[Place] | None = None


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a call's OpenAPI: the problems it may answer with, beside those that any may."""
    every = sorted({*statuses, 401, 422, 503})
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem, "content": content}
        for status in every
    }


def tell_problems(app: FastAPI) -> None:
    app.add_exception_handler(FanfoldError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_the_request)
    app.add_exception_handler(HTTPException, _of_the_framework)
    app.add_exception_handler(Exception, _unexpected)


def _of_ours(_request: Request, error: Exception) -> JSONResponse:
    handling = handling_of(error)
    detail = told_of(error)
    if handling.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("api.failed", f"{type(error).__name__}: {error}")
    headers = {}
    errors = (
        [_of_record(it) for it in error.problems] if isinstance(error, RecordsInvalid) else None
    )
    if handling.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if handling.http_status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return problem(handling.http_status, _code_of(error), detail, errors=errors, headers=headers)


def _of_record(text: str) -> Place:
    """Sources tell the place in front: `body:3: …`, or `the request's records: record 3: …`."""
    found = _PLACE.match(text)
    if found is None:
        return Place(loc=["body"], msg=text, type="record-invalid")
    name, line, number, rest = found.groups()
    place = [name, line or number]
    return Place(loc=place, msg=rest, type="record-invalid", line=int(line) if line else None)


def told_of(error: Exception) -> str:
    """In words that may be told."""
    for kind, told in _NOT_THERE.items():
        if isinstance(error, kind):
            return told
    if isinstance(error, SourceBroken):  # it may be in words of the server's own files
        log.error("api.source", str(error))
        return "the flow's own source failed; the log of the server says how"
    if isinstance(error, _TOLD):
        return str(error)
    if handling_of(error).http_status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "it could not be done now. What is stored is as it was: ask again"
    return "it could not be done as asked"


def _code_of(error: Exception) -> str:
    """`BatchNotFound` as `batch-not-found`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()


def _of_the_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  it is registered for that
    errors = [
        Place(loc=[str(part) for part in it["loc"]], msg=it["msg"], type=it["type"])
        for it in error.errors()
    ]
    first = errors[0]
    detail = f"{'.'.join(first.loc)}: {first.msg}"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "request-invalid", detail, errors=errors)


def _of_the_framework(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  likewise
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    return problem(error.status_code, code, str(error.detail), headers=headers)


def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    log.error("api.unexpected", f"{type(error).__name__}: {error}")
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "unexpected", "something went wrong here")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[Place] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    document = Problem(
        type=f"urn:fanfold:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=errors,
    )
    content = document.model_dump(exclude_none=True)
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)
