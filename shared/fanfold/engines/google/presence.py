"""Whether an emulator is still there.

The real services come back, and to wait for them is right. An emulator that has ended has taken
with it what it held, and nobody starts it again: whoever waits is to be told soon.
"""

from __future__ import annotations

import socket
from time import monotonic

from fanfold.errors import EngineError

#: a restart takes two or three; where everything else is busy too, more than five
_GRACE_SECONDS = 20.0
_CONNECT_SECONDS = 1.0


class Gone(EngineError):
    """The emulator has ended, and what it held is gone. Start it: `fanfold up --engine google`."""


def listens(host: str, seconds: float = _CONNECT_SECONDS) -> bool:
    """Whether anybody takes a connection at `host:port`."""
    name, _, port = host.rpartition(":")
    try:
        socket.create_connection((name.strip("[]"), int(port)), timeout=seconds).close()
    except (OSError, ValueError):
        return False
    return True


class Presence:
    def __init__(self, name: str, host: str = "") -> None:
        """Without a host it is the real service, which is always there."""
        self._name = name
        self._host = host
        self._lost_at: float | None = None

    def check(self) -> None:
        """To be called when a call got no answer, and is to be repeated. Raises Gone."""
        if not self._host:
            return
        if listens(self._host):
            self._lost_at = None
            return
        now = monotonic()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at >= _GRACE_SECONDS:
            raise Gone(
                f"nothing answers at {self._host} any more: the {self._name} emulator has ended, "
                "and what it held is gone. Start it again: fanfold up --engine google"
            )
