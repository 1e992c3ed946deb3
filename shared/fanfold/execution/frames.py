"""What a worker and its child process say to each other, and how an attempt is put into it.

A frame is four bytes of length, then one JSON object. Two ends of one pipe on one machine, started
from one code base: there is no version.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from typing import Any, BinaryIO

from fanfold.domain.outcome import (
    Attempt,
    Blame,
    Died,
    Failure,
    Interrupted,
    MemoryExceeded,
    Raised,
    Returned,
    Scattered,
    TimedOut,
    Waits,
)

_LENGTH = struct.Struct(">I")


def packed(frame: dict[str, Any]) -> bytes:
    body = json.dumps(frame).encode()
    return _LENGTH.pack(len(body)) + body


def read(pipe: BinaryIO) -> dict[str, Any] | None:
    """The next frame; None when the other end is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    body = pipe.read(size)
    return _decoded(body) if len(body) == size else None


class Reader:
    """The same for bytes that come as they come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._bytes += chunk

    def next(self) -> dict[str, Any] | None:
        """The next frame that is complete."""
        if len(self._bytes) < _LENGTH.size:
            return None
        (size,) = _LENGTH.unpack_from(self._bytes)
        end = _LENGTH.size + size
        if len(self._bytes) < end:
            return None
        body = bytes(self._bytes[_LENGTH.size : end])
        del self._bytes[:end]
        return _decoded(body)


def _decoded(body: bytes) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(body)
    return frame


def attempt_packed(attempt: Attempt) -> dict[str, Any]:
    return {"kind": type(attempt).__name__, **asdict(attempt)}


def attempt_unpacked(frame: dict[str, Any]) -> Attempt:
    match frame:
        case {"kind": "Returned", "output": output}:
            return Returned(output)
        case {"kind": "Raised", "failure": failure, "after": after}:
            return Raised(Failure(**failure | {"blame": Blame(failure["blame"])}), after)
        case {"kind": "TimedOut", "seconds": seconds}:
            return TimedOut(seconds)
        case {"kind": "MemoryExceeded", "limit": limit, "traceback": traceback}:
            return MemoryExceeded(limit, traceback)
        case {"kind": "Interrupted", "reason": reason}:
            return Interrupted(reason)
        case {"kind": "Died", "reason": reason}:
            return Died(reason)
        case {"kind": "Waits", "until": until, "scattered": scattered}:
            return Waits(until, tuple(Scattered(**it) for it in scattered))
        case _:
            raise ValueError(f"not an attempt: {frame}")
