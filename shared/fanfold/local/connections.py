"""Connections to one server, kept from one request to the next, of one event loop.

Only the status of an answer is of interest, so as much of HTTP is spoken as that takes: a head, and
a body whose length it says. A connection whose answer ends otherwise is not used again.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import cast

#: servers end connections that rest, the functions' after two seconds
_REST_SECONDS = 1.0
#: of an answer's head; whatever says more is no server of ours
_HEAD_BYTES = 64 * 1024
_HEAD = re.compile(rb"HTTP/1\.([01]) (\d{3})\b[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d+)[ \t]*\r$", re.IGNORECASE | re.MULTILINE)
_CLOSES = re.compile(rb"^connection:[ \t]*close", re.IGNORECASE | re.MULTILINE)
_CONTINUE = 100
#: their answers have no body, whatever the head says
_BODILESS = frozenset({102, 204, 304})

#: is told the status, or None if there was no answer
Answered = Callable[[int | None], None]


class Connections:
    """All of it is called in the loop."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        """`seconds`: the longest that a request may take."""
        self._host = host
        self._port = port
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._open: set[_Connection] = set()
        self._resting: list[tuple[float, _Connection]] = []
        self._connecting: set[asyncio.Task[_Connection]] = set()

    def post(self, request: bytes, answered: Answered) -> None:
        """`answered` is called once, later."""
        connection = self._rested()
        if connection is not None:
            connection.send(request, answered, self._seconds)
            return
        task = self._loop.create_task(self._connect())
        self._connecting.add(task)
        task.add_done_callback(partial(self._connected, request, answered))

    async def close(self) -> None:
        """Whoever waits for an answer is told that there is none."""
        for task in self._connecting:
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)
        while self._open:
            for connection in self._open:
                connection.abort()
            await asyncio.sleep(0)

    async def _connect(self) -> _Connection:
        async with asyncio.timeout(self._seconds):
            _, connection = await self._loop.create_connection(
                partial(_Connection, self), self._host, self._port
            )
        return connection

    def _connected(
        self, request: bytes, answered: Answered, task: asyncio.Task[_Connection]
    ) -> None:
        self._connecting.discard(task)
        if task.cancelled() or isinstance(task.exception(), OSError):  # a timeout is one, too
            answered(None)
        else:
            task.result().send(request, answered, self._seconds)

    def _rested(self) -> _Connection | None:
        """The one that was used last, unless the server may be ending it just now."""
        while self._resting:
            since, connection = self._resting.pop()
            if self._loop.time() - since < _REST_SECONDS:
                return connection
            connection.abort()
        return None

    # ----------------------------------------------- what a connection tells

    def begins(self, connection: _Connection) -> None:
        self._open.add(connection)

    def rests(self, connection: _Connection) -> None:
        self._resting.append((self._loop.time(), connection))

    def ended(self, connection: _Connection) -> None:
        self._open.discard(connection)
        self._resting = [it for it in self._resting if it[1] is not connection]


class _Connection(asyncio.Protocol):
    def __init__(self, its: Connections) -> None:
        self._its = its
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answered: Answered | None = None
        self._limit: asyncio.TimerHandle | None = None
        self._received = b""

    def send(self, request: bytes, answered: Answered, seconds: float) -> None:
        """When nothing else is sent."""
        if self._transport is None:  # it has ended meanwhile
            answered(None)
            return
        self._answered = answered
        self._limit = self._loop.call_later(seconds, self.abort)
        self._transport.write(request)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # ----------------------------------------------- what the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._its.begins(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = _HEAD.match(self._received)
        while head is not None and int(head[2]) == _CONTINUE:
            self._received = self._received[head.end() :]
            head = _HEAD.match(self._received)
        if self._answered is None or (head is None and len(self._received) > _HEAD_BYTES):
            self.abort()  # nothing was asked, or that is no answer
        elif head is not None:
            self._read(head)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._its.ended(self)
        self._answer(None)

    def _read(self, head: re.Match[bytes]) -> None:
        minor, status, fields = int(head[1]), int(head[2]), head[3]
        said = _LENGTH.search(fields)
        length = 0 if status in _BODILESS else int(said[1]) if said else None
        missing = None if length is None else length - (len(self._received) - head.end())
        if missing is not None and missing > 0:
            return
        self._received = b""
        if missing == 0 and minor == 1 and not _CLOSES.search(fields):
            self._its.rests(self)
        else:
            self.abort()
        self._answer(status)

    def _answer(self, status: int | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(status)
