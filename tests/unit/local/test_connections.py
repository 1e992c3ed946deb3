"""Connections to a function's server: the status of an answer, and what can be used again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from fanfold.local.addresses import free_port
from fanfold.local.connections import Connections

REQUEST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi"
DONE = b"HTTP/1.1 204 No Content\r\nserver: s\r\n\r\n"


@dataclass
class Server:
    """Answers each request with the next of these; None ends the connection."""

    answers: list[Sequence[bytes] | None]
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                self.requests.append(await reader.readexactly(len(REQUEST)))
                self.asked.set()
                answer = self.answers.pop(0) if self.answers else (DONE,)
                if answer is None:
                    break
                for piece in answer:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()


def ask_all(server: Server, requests: int, *, seconds: float = 30.0) -> list[int | None]:
    """One after the other."""

    async def main() -> list[int | None]:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            return await _ask(Connections("127.0.0.1", port, seconds), requests)

    return asyncio.run(main())


async def _ask(connections: Connections, requests: int) -> list[int | None]:
    statuses: list[int | None] = []
    for _ in range(requests):
        answered: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        connections.post(REQUEST, answered.set_result)
        statuses.append(await answered)
    await connections.close()
    return statuses


def in_pieces(answer: bytes) -> list[bytes]:
    return [answer[n : n + 1] for n in range(len(answer))]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ([DONE], 204),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200),
        ([b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"], 503),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + DONE], 204),
        ([b"HTTP/1.1 102 Processing\r\n\r\n"], 102),
        (in_pieces(DONE), 204),
        (in_pieces(b"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\noh!"), 500),
    ],
)
def test_a_connection_whose_answer_is_whole_is_used_again(answer: list[bytes], status: int) -> None:
    server = Server([answer])
    assert ask_all(server, 2) == [status, 204]
    assert server.connections == 1
    assert server.requests == [REQUEST, REQUEST]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil it ends",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore",
    ],
)
def test_a_connection_that_cannot_be_relied_on_is_not_used_again(answer: bytes) -> None:
    server = Server([[answer]])
    assert ask_all(server, 2) == [200, 204]
    assert server.connections == 2


@pytest.mark.parametrize("answer", [None, [b"not HTTP\r\n\r\n" * 6000]])
def test_no_answer_is_told_as_none(answer: list[bytes] | None) -> None:
    server = Server([answer])
    assert ask_all(server, 2) == [None, 204]


def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    server = Server([[]])
    assert ask_all(server, 1, seconds=0.02) == [None]
    assert server.requests == [REQUEST]


def test_nobody_there_is_no_answer() -> None:
    async def main() -> list[int | None]:
        return await _ask(Connections("127.0.0.1", free_port(), 30.0), 1)

    assert asyncio.run(main()) == [None]


def test_who_waits_when_it_is_closed_is_told_that_there_is_no_answer() -> None:
    async def main() -> list[int | None]:
        server = Server([[]])
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            connections = Connections("127.0.0.1", port, 30.0)
            statuses: list[int | None] = []
            connections.post(REQUEST, statuses.append)
            await server.asked.wait()
            connections.post(REQUEST, statuses.append)  # this one has not even connected
            await connections.close()
            return statuses

    assert asyncio.run(main()) == [None, None]
