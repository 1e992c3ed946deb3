"""Both clients, of the real application over a real engine."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from fanfold.api.app import create_app
from fanfold.api.server import served
from fanfold.client import AsyncClient, Client
from fanfold.wiring import Fanfold
from tests.unit.api.conftest import ByName, clock, fanfold

__all__ = ["clock", "fanfold"]

#: tests.unit.api.conftest believes whoever says who they are
ANN, VIC = "ann", "vic"


@dataclass
class Lossy:
    """What happens on the way: each of these is used up by one request."""

    #: the request arrives, its answer does not
    lost: int = 0
    #: answered by somebody on the way, with this
    instead: list[httpx.Response] = field(default_factory=list)
    #: after so many bytes of a body the connection breaks
    breaks_after: list[int] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def before(self, request: httpx.Request) -> httpx.Response | None:
        self.requests.append(request)
        return self.instead.pop(0) if self.instead else None

    def after(self, request: httpx.Request) -> None:
        if self.lost:
            self.lost -= 1
            raise httpx.ReadError("the answer is lost", request=request)


class _Torn(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, stream: Any, most: int) -> None:
        self._stream, self._most = stream, most

    def __iter__(self) -> Iterator[bytes]:
        left = self._most
        for chunk in self._stream:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                raise httpx.ReadError("torn")

    async def __aiter__(self) -> Any:
        left = self._most
        async for chunk in self._stream:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                raise httpx.ReadError("torn")

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _torn(response: httpx.Response, lossy: Lossy) -> httpx.Response:
    if lossy.breaks_after and response.is_success:
        response.stream = _Torn(response.stream, lossy.breaks_after.pop(0))
    return response


class Sync(httpx.HTTPTransport):
    def __init__(self, lossy: Lossy) -> None:
        super().__init__()
        self._lossy = lossy

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if (answer := self._lossy.before(request)) is not None:
            return answer
        response = super().handle_request(request)
        self._lossy.after(request)
        return _torn(response, self._lossy)


class Async(httpx.AsyncHTTPTransport):
    def __init__(self, lossy: Lossy) -> None:
        super().__init__()
        self._lossy = lossy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if (answer := self._lossy.before(request)) is not None:
            return answer
        response = await super().handle_async_request(request)
        self._lossy.after(request)
        return _torn(response, self._lossy)


class Driven:
    """Either of them, as a program that waits would call it; what iterates gives a list."""

    def __init__(
        self, client: Client | AsyncClient, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self._client, self._loop = client, loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*arguments: Any, **named: Any) -> Any:
            found = method(*arguments, **named)
            if self._loop is None:
                return list(found) if inspect.isgenerator(found) else found
            if inspect.isawaitable(found):
                return self._loop.run_until_complete(found)
            return self._loop.run_until_complete(_all_of(found))

        return call


async def _all_of(found: Any) -> list[Any]:
    return [it async for it in found]


@pytest.fixture
def address(fanfold: Fanfold) -> Iterator[str]:
    with served(create_app(fanfold, ByName())) as address:
        yield address


@pytest.fixture
def lossy() -> Lossy:
    return Lossy()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture(params=["sync", "async"])
def client(
    request: pytest.FixtureRequest, address: str, lossy: Lossy, slept: list[float]
) -> Iterator[Any]:
    """Nothing sleeps: what would is in `slept`."""
    if request.param == "sync":
        with Client(address, token=ANN, transport=Sync(lossy), sleep=slept.append) as client:
            yield Driven(client)
        return

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    loop = asyncio.new_event_loop()
    waiting = AsyncClient(address, token=ANN, transport=Async(lossy), sleep=sleep)
    try:
        yield Driven(waiting, loop)
    finally:
        loop.run_until_complete(waiting.aclose())
        loop.close()
