"""`POST /api/batches/upload`: the body is the source, read as it arrives.

    the network ─▶ an event loop's stream ─▶ chunk by chunk, to the thread that creates the batch

Nothing holds more of it than a chunk, and nothing is stored of a body that breaks off or is wrong.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from fanfold.api.asking import Asking
from fanfold.api.problems import answers
from fanfold.api.requests import NewBatch
from fanfold.api.shapes import BatchShape
from fanfold.api.starting import started
from fanfold.domain.access import Action
from fanfold.domain.source_format import SourceFormat
from fanfold.errors import OptionInvalid, SourceInvalid
from fanfold.sources.open import open_stream

router = APIRouter(prefix="/api/batches", tags=["batches"])
_TYPES = ("application/x-ndjson", "application/jsonl", "text/csv", "application/octet-stream")
_CSV = "text/csv"
_BODY = {"content": {it: {"schema": {"type": "string", "format": "binary"}} for it in _TYPES}}


@router.post(
    "/upload",
    summary="Start a batch of what is sent",
    status_code=201,
    responses=answers(400, 403, 404, 409),
    openapi_extra={"requestBody": {**_BODY, "required": True}},
)
async def upload(
    asker: Asking,
    request: Request,
    response: Response,
    flow: Annotated[str, Query(min_length=1, max_length=100)],
    options: Annotated[
        str, Query(max_length=4_000, description="options of the batch, as one JSON object")
    ] = "{}",
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> BatchShape:
    """Start a batch of what is sent: lines of JSON, or a CSV (`Content-Type: text/csv`), of any
    size, packed or not."""
    wanted, source_format = _wanted(flow, options, request.headers.get("content-type", ""))
    body = io.BufferedReader(_Body(request.stream()))
    source = open_stream(body, "body", source_format, key_field=wanted.key)
    found = await run_in_threadpool(asker.flow, Action.START, flow)
    shape = await run_in_threadpool(started, asker, found, source, wanted.options, idempotency_key)
    response.headers["Location"] = f"/api/batches/{shape.batch_id}"
    return shape


def _wanted(flow: str, options: str, content_type: str) -> tuple[NewBatch, SourceFormat]:
    try:
        given = json.loads(options)
    except (ValueError, RecursionError):
        raise OptionInvalid("options: not JSON. Send one object, such as {}") from None
    if not isinstance(given, dict):
        raise OptionInvalid("options: one JSON object, such as {}")
    if taken := sorted({"records", "source", "flow", "flow_name", "request_id"} & given.keys()):
        raise OptionInvalid(f"options: {taken[0]} is no option of an upload")
    formats = {name: given.pop(name) for name in SourceFormat.model_fields if name in given}
    if content_type.split(";")[0].strip() == _CSV:
        formats.setdefault("format", "csv")
    try:
        wanted = NewBatch.model_validate({**given, "flow": flow})
        return wanted, SourceFormat.model_validate(formats)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise OptionInvalid(
            f"options: {where}{': ' if where else ''}{first['msg'].removeprefix('Value error, ')}"
        ) from None


class _Body(io.RawIOBase):
    """A request's body as a file, for a thread that the event loop has started."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._next: Callable[[], Any] = stream.__anext__
        self._left = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and not self._ended:
            try:
                self._left = anyio.from_thread.run(self._next)
            except StopAsyncIteration:
                self._ended = True
            except ClientDisconnect:
                raise SourceInvalid("the body broke off. Send it again") from None
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size
