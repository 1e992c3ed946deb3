"""Connections to one server, kept from one request to the next."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from time import monotonic

#: servers end connections that rest, the functions' after two seconds
_REST_SECONDS = 1.0


class Connections:
    def __init__(self, host: str, seconds: float) -> None:
        """`seconds`: the longest that a request may take."""
        self._host = host
        self._seconds = seconds
        self._lock = Lock()
        self._resting: list[tuple[float, http.client.HTTPConnection]] = []
        self._used: set[http.client.HTTPConnection] = set()
        self._closed = False

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int | None:
        """The status; None if there was no answer."""
        connection = self._take()
        try:
            connection.request("POST", path, body, dict(headers))
            with connection.getresponse() as answer:
                answer.read()
                status = answer.status
        except (OSError, http.client.HTTPException):
            self._end(connection)
            return None
        self._rest(connection)
        return status

    def close(self) -> None:
        """Whoever waits for an answer is told that there is none."""
        with self._lock:
            self._closed = True
            resting = [connection for _, connection in self._resting]
            self._resting.clear()
            for connection in self._used:
                if connection.sock is not None:
                    with suppress(OSError):  # it has ended meanwhile
                        connection.sock.shutdown(socket.SHUT_RDWR)
        for connection in resting:
            connection.close()

    def _take(self) -> http.client.HTTPConnection:
        with self._lock:
            connection = self._rested()
            self._used.add(connection)
            return connection

    def _rested(self) -> http.client.HTTPConnection:
        """The one that was used last, unless the server may be ending it just now."""
        while self._resting:
            since, connection = self._resting.pop()
            if monotonic() - since < _REST_SECONDS:
                return connection
            connection.close()
        return http.client.HTTPConnection(self._host, timeout=self._seconds)

    def _rest(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._used.discard(connection)
            if not self._closed:
                self._resting.append((monotonic(), connection))
                return
        connection.close()

    def _end(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._used.discard(connection)
        connection.close()
