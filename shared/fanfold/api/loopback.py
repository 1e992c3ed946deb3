"""Where nobody is asked who they are, only programs of this machine are answered.

A server that listens at loopback alone is still reached from outside in two ways, which are shut
here: through a proxy on the same machine, which says for whom it asks, and by a web page in this
machine's browser, which names its own origin, or a name of its own for this address.
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from fanfold.api.problems import problem

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
_TOLD = (
    "FANFOLD_AUTH is none: nobody is asked who they are, so only programs of this machine are "
    "answered, by its loopback address. Name an issuer to serve anybody else"
)


class LoopbackOnly:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_local(scope):
            await self._app(scope, receive, send)
            return
        refused = problem(HTTPStatus.FORBIDDEN, "loopback-only", _TOLD)
        await refused(scope, receive, send)


def _is_local(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    client = scope.get("client")
    if client is not None and not _is_loopback(client[0]):
        return False
    if any(name in headers for name in _FORWARDED):
        return False
    origin = headers.get("origin")
    if origin is not None and not _is_loopback(urlsplit(origin).hostname or ""):
        return False
    return _is_loopback(urlsplit(f"//{headers.get('host', '')}").hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
