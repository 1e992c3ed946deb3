"""A connection that is posted to, kept from one post to the next, and cut when time is up."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.client import HTTPResponse
from threading import Lock
from time import monotonic
from urllib.parse import urlsplit

_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: CloudPubSub-Google\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)
_CONNECT_SECONDS = 10.0
#: servers end connections that rest, the functions' after two seconds
_REST_SECONDS = 1.0


class Line:
    """A connection to an endpoint, kept from one post to the next."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.rests_since = monotonic()
        self.is_cut = False
        self._socket: socket.socket | None = None

    def post(self, path: str, body: bytes) -> int:
        connection = self._connected()
        if self.is_cut:  # before there was anything to cut
            raise ConnectionAbortedError
        head = _HEAD.format(path=path, host=self.host, length=len(body))
        connection.sendall(head.encode() + body)
        with HTTPResponse(connection, method="POST") as answer:
            answer.begin()
            answer.read()
        # behind a status below 200 may come another, which is not the next one's answer
        if answer.will_close or answer.status < 200:
            self.close()
        return answer.status

    def cut(self) -> None:
        """Whoever waits for an answer is told that there is none."""
        self.is_cut = True
        connection = self._socket
        if connection is not None:
            with suppress(OSError):  # it is closed meanwhile
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _connected(self) -> socket.socket:
        if self._socket is not None and _has_ended(self._socket):
            self.close()
        if self._socket is None:
            at = urlsplit(f"//{self.host}")
            self._socket = socket.create_connection((at.hostname, at.port or 80), _CONNECT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.settimeout(None)
        return self._socket


class Lines:
    """Those that rest, to be used again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._resting: dict[str, list[Line]] = {}

    def take(self, host: str) -> Line:
        with self._lock:
            resting = self._resting.get(host, [])
            while resting:
                line = resting.pop()
                if monotonic() - line.rests_since < _REST_SECONDS:
                    return line
                line.close()
        return Line(host)

    def rest(self, line: Line) -> None:
        if line.is_cut:
            line.close()
            return
        line.rests_since = monotonic()
        with self._lock:
            self._resting.setdefault(line.host, []).append(line)

    def close(self) -> None:
        with self._lock:
            for line in (line for resting in self._resting.values() for line in resting):
                line.close()
            self._resting.clear()


def _has_ended(connection: socket.socket) -> bool:
    """By the other side, or there is something that nobody has asked for."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
