"""What is asked for belongs to the trace that its request is part of."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from fanfold import trace


class Traced:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        begun = trace.from_header(
            headers.get(trace.TRACEPARENT), headers.get("x-cloud-trace-context")
        )
        with trace.continued(begun):
            await self._app(scope, receive, send)
