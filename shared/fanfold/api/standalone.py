"""The application by itself, for any ASGI server: over the engine that the settings name, which is
opened as the server starts and closed as it stops.

    uvicorn fanfold.api.standalone:app --host 127.0.0.1 --port 8080

It starts batches, and works on none: that is for `fanfold worker`, or for functions.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack

from starlette.types import ASGIApp, Receive, Scope, Send

from fanfold.api.app import create_app
from fanfold.errors import FanfoldError
from fanfold.identity import authenticator
from fanfold.settings import Settings
from fanfold.wiring import open_fanfold


class Standalone:
    """Nothing is opened before the server says that it starts: it may load this and fork."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._held = ExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if self._app is None:
            raise RuntimeError(
                "the server has not told that it starts: it must, with `lifespan on`"
            )
        await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            self._open()
        except Exception as error:  # noqa: BLE001  it ends the server, and is told
            # a server takes what is raised here for an application without a start, and goes on;
            # it tells of a failed one in its own way, and not every one does
            told = str(error) if isinstance(error, FanfoldError) else repr(error)
            self._held.close()
            sys.stderr.write(f"fanfold: {told}\n")
            await send({"type": "lifespan.startup.failed", "message": told})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._held.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _open(self) -> None:
        settings = Settings.from_env()
        door = authenticator(settings)
        fanfold = self._held.enter_context(open_fanfold(settings))
        self._app = create_app(fanfold, door)


app = Standalone()
