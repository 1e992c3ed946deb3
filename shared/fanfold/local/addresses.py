"""Ports of this machine."""

from __future__ import annotations

import http.client
import socket

_SHORT = 1.0


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port: int = it.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as it:
        # as servers do: what is left of closed connections does not count
        it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            it.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(host: str, path: str, seconds: float = _SHORT) -> bool:
    """Whether HTTP is spoken there, whatever is said."""
    connection = http.client.HTTPConnection(host, timeout=seconds)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
