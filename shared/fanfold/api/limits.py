"""A body of any size would be held in memory: so there is a limit, kept while it is read."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fanfold.api.problems import problem

MAX_BODY = 16 * 1024 * 1024
#: read as it arrives
UNBOUNDED = "/api/batches/upload"


class BodyLimit:
    def __init__(self, app: ASGIApp, most: int = MAX_BODY) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == UNBOUNDED:
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._most:
            await _too_large(self._most)(scope, receive, send)
            return
        got = 0

        async def limited() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > self._most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _told(self._most))
            return message

        await self._app(scope, limited, send)


def _told(most: int) -> str:
    return f"a body may have {most:,} bytes. Name a source for more records"


def _too_large(most: int) -> ASGIApp:
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return problem(status, "content-too-large", _told(most))
