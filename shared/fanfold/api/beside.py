"""Another application under a prefix of this one's address. (A mounted one is not asked for what
has a line end in its path, and could not refuse it in its own words.)"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Beside:
    def __init__(self, app: ASGIApp, prefix: str, other: ASGIApp) -> None:
        self._app, self._prefix, self._other = app, prefix, other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "")
        at = f"{root}{self._prefix}"
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{at}/"):
            await self._app(scope, receive, send)
            return
        await self._other({**scope, "root_path": at}, receive, send)
