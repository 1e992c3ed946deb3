"""`/api/batches/{batch_id}/events`: what happens to a batch, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from fanfold.api.asking import Asking
from fanfold.api.problems import answers
from fanfold.domain.access import Action
from fanfold.domain.announce import events_after
from fanfold.domain.event import Event, event_to_json
from fanfold.ports import Ports

router = APIRouter(prefix="/api/batches/{batch_id}", tags=["batches"])
_MEDIA_TYPE = "text/event-stream"
#: between two looks, and how long nothing may be heard: a proxy would hang up
_LOOK_SECONDS, _SILENT_SECONDS = 0.5, 15.0


@router.get(
    "/events",
    summary="Listen to what happens to it",
    response_class=StreamingResponse,
    responses={200: {"content": {_MEDIA_TYPE: {}}}, **answers(404)},
)
def events(
    asker: Asking,
    request: Request,
    batch_id: str,
    after: Annotated[int, Query(ge=0, le=1 << 53, description="only behind this number")] = 0,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=1 << 53, description="of a browser that comes back")
    ] = None,
) -> StreamingResponse:
    """What has happened and what happens, each with its number, until the batch has ended."""
    asker.batch(Action.SEE, batch_id)
    seen = max(after, last_event_id or 0)
    told = _told(request, asker.fanfold.ports, batch_id, seen)
    return StreamingResponse(told, media_type=_MEDIA_TYPE, headers={"Cache-Control": "no-store"})


async def _told(request: Request, ports: Ports, batch_id: str, seen: int) -> AsyncIterator[bytes]:
    silent = 0.0
    while True:
        batch = await run_in_threadpool(ports.batches.get, batch_id)
        news = events_after(batch, seen)
        for event in news:
            seen = event.sequence
            yield _as_sent(event)
        if batch.ended or await request.is_disconnected():
            return
        silent = 0.0 if news else silent + _LOOK_SECONDS
        if silent >= _SILENT_SECONDS:
            silent = 0.0
            yield b": nothing new\n\n"
        await asyncio.sleep(_LOOK_SECONDS)


def _as_sent(event: Event) -> bytes:
    return f"id: {event.sequence}\nevent: {event.kind}\ndata: {event_to_json(event)}\n\n".encode()
