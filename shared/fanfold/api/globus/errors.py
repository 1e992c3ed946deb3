"""Errors as the clients of this dialect read them: the Python one an `error` of its own or a list
of them, the Go one `code` and `message`."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from fanfold import log
from fanfold.api.problems import RETRY_SECONDS, told_of
from fanfold.errors import (
    Conflict,
    EngineError,
    FanfoldError,
    NotAllowed,
    SourceInvalid,
    Unauthenticated,
    UsageError,
    handling_of,
)
from fanfold.execution.validation import InputInvalid
from fanfold.graphs.states import DefinitionInvalid

_S = HTTPStatus
#: the nearest class in an error's ancestry decides
_CODES: dict[type[BaseException], tuple[HTTPStatus, str]] = {
    Unauthenticated: (_S.UNAUTHORIZED, "AUTHENTICATION_ERROR"),
    NotAllowed: (_S.FORBIDDEN, "FORBIDDEN"),
    Conflict: (_S.CONFLICT, "STATE_CONFLICT"),
    InputInvalid: (_S.BAD_REQUEST, "FLOW_INPUT_ERROR"),
    SourceInvalid: (_S.BAD_REQUEST, "FLOW_INPUT_ERROR"),
    EngineError: (_S.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE"),
    FanfoldError: (_S.UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY"),
    Exception: (_S.INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
}
_BY_STATUS = {
    _S.NOT_FOUND: "NOT_FOUND",
    _S.METHOD_NOT_ALLOWED: "METHOD_NOT_ALLOWED",
    _S.REQUEST_ENTITY_TOO_LARGE: "REQUEST_TOO_LARGE",
}


class ErrorDocument(BaseModel):
    """An error, in the words of both clients."""

    error: dict[str, Any]
    code: str
    message: str
    errors: list[dict[str, str]]
    debug_id: str


#: for the application's OpenAPI: what any call may answer with
ANSWERS: dict[int | str, dict[str, Any]] = {
    int(status): {"description": status.phrase, "model": ErrorDocument}
    for status in (
        *(_S.BAD_REQUEST, _S.UNAUTHORIZED, _S.FORBIDDEN, _S.NOT_FOUND, _S.CONFLICT),
        *(_S.UNPROCESSABLE_ENTITY, _S.SERVICE_UNAVAILABLE),
    )
}


class InputRefused(InputInvalid):
    """The input is not what the flow takes: each of its places."""

    def __init__(self, details: list[dict[str, Any]]) -> None:
        super().__init__(f"Input failed schema validation with {len(details)} errors.")
        self.details = details


@dataclass(frozen=True, slots=True)
class Told:
    """An error, as it is told."""

    status: int
    code: str
    message: str
    #: where what is wrong, of a request; else the message
    details: list[dict[str, Any]] = field(default_factory=list)

    @property
    def document(self) -> dict[str, Any]:
        detail: Any = self.details or self.message
        return {
            "error": {"code": self.code, "detail": detail, "message": self.message},
            "code": self.code,
            "message": self.message,
            "errors": [
                {"code": self.code, "message": it["msg"]} for it in self.details
            ] or [{"code": self.code, "message": self.message}],
            "debug_id": str(uuid4()),
        }  # fmt: skip

    @property
    def as_item(self) -> dict[str, str]:
        """Of a bulk call's one item."""
        return {"code": self.code, "description": self.message}


def told(error: Exception) -> Told:
    if isinstance(error, RequestValidationError):
        return _of_the_request(error)
    if isinstance(error, HTTPException):
        code = _BY_STATUS.get(HTTPStatus(error.status_code), HTTPStatus(error.status_code).name)
        return Told(error.status_code, code, str(error.detail))
    status, code = _code_of(error)
    message = told_of(error) if isinstance(error, FanfoldError) else "something went wrong here"
    details: list[dict[str, Any]] = []
    if isinstance(error, InputRefused):
        details, message = error.details, str(error)
    elif isinstance(error, InputInvalid | SourceInvalid):
        message = str(error) if isinstance(error, InputInvalid) else message
        details = [{"loc": ["$"], "msg": message, "type": "InvalidActionInput"}]
    elif isinstance(error, DefinitionInvalid):
        details = [_detail(list(error.place), str(error))]
        message = str(error)
    elif status == _S.UNPROCESSABLE_ENTITY:
        details = [_detail(["body"], message)]
    if status >= _S.INTERNAL_SERVER_ERROR:
        log.error("api.failed", f"{type(error).__name__}: {error}")
    return Told(status, code, message, details)


def _detail(place: list[str], message: str) -> dict[str, Any]:
    return {"loc": place, "msg": message, "type": "value_error"}


def _code_of(error: Exception) -> tuple[HTTPStatus, str]:
    if isinstance(error, UsageError) and handling_of(error).http_status == _S.NOT_FOUND:
        return _S.NOT_FOUND, "NOT_FOUND"
    return next(_CODES[it] for it in type(error).__mro__ if it in _CODES)


def _of_the_request(error: RequestValidationError) -> Told:
    details = [
        {
            # as the clients' own service says it: without where in the request it is
            "loc": [str(it) for it in one["loc"] if it not in ("body", "query", "path")]
            or ["body"],
            "msg": one["msg"].removeprefix("Value error, "),
            "type": one["type"],
        }
        for one in error.errors()
    ]
    first = details[0]
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    message = f"{'.'.join(first['loc'])}: {first['msg']}{more}"
    return Told(_S.UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", message, details)


def tell_errors(app: FastAPI) -> None:
    async def answer(_request: Request, error: Exception) -> JSONResponse:
        it = told(error)
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        if it.status == _S.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if it.status == _S.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = str(RETRY_SECONDS)
        return JSONResponse(it.document, it.status, headers=headers)

    for kind in (FanfoldError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)
