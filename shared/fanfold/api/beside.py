"""Another application under a prefix of this one's address. (A mounted one is not asked for what
has a line end in its path, and could not refuse it in its own words.)

It is made when it is first asked: an instance that starts for somebody who waits does not load what
most never ask for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock

from starlette.types import ASGIApp, Receive, Scope, Send


class Beside:
    def __init__(self, app: ASGIApp, prefix: str, make: Callable[[], ASGIApp]) -> None:
        self._app, self._prefix, self._make = app, prefix, make
        self._other: ASGIApp | None = None
        self._making = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "")
        at = f"{root}{self._prefix}"
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{at}/"):
            await self._app(scope, receive, send)
            return
        other = self._other
        if other is None:
            other = await asyncio.to_thread(self._made)
        await other({**scope, "root_path": at}, receive, send)

    def _made(self) -> ASGIApp:
        with self._making:  # two first requests at once
            made = self._make() if self._other is None else self._other
            self._other = made
        return made
