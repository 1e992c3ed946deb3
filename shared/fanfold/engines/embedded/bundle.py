"""Messages that were published together, in one row: its body, and a bit for each that is left.

A row, its index entries and its way through a commit cost ten times what a message in it does. A
bundle is leased, extended and delivered again as one; each of its messages is acked for itself, by
clearing its bit, and those that go another way move to a bundle of their own.

    body   entry*, an entry: name (8 bytes) · length (4 bytes) · the message
    rest   bit n: entry n is not done with
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct

#: what an SQLite integer has bits for
MAX_MESSAGES = 62
#: rows that are larger gain nothing
_MAX_BYTES = 128 * 1024
_HEAD = Struct(">QI")
_NAME_BITS = 64

#: a message's name, the same for all its deliveries, and its body
Entry = tuple[int, bytes]


def named(bodies: Iterable[bytes]) -> Iterator[Entry]:
    """New messages."""
    first = int.from_bytes(os.urandom(8), "big")
    for number, body in enumerate(bodies, first):
        yield number & ((1 << _NAME_BITS) - 1), body


def bundles_of(entries: Iterable[Entry], size: int = MAX_MESSAGES) -> Iterator[list[Entry]]:
    held: list[Entry] = []
    room = 0
    for entry in entries:
        if held and (len(held) >= size or room + len(entry[1]) > _MAX_BYTES):
            yield held
            held, room = [], 0
        held.append(entry)
        room += len(entry[1])
    if held:
        yield held


def pack(entries: Sequence[Entry]) -> tuple[int, bytes]:
    """The columns `left` and `body`."""
    parts: list[bytes] = []
    for name, body in entries:
        parts.append(_HEAD.pack(name, len(body)))
        parts.append(body)
    return (1 << len(entries)) - 1, b"".join(parts)


def unpack(rest: int, packed: bytes) -> Iterator[tuple[int, Entry]]:
    """The messages that are not done with, each with its bit."""
    at, bit = 0, 1
    while bit <= rest:
        name, size = _HEAD.unpack_from(packed, at)
        at += _HEAD.size
        if rest & bit:
            yield bit, (name, packed[at : at + size])
        at += size
        bit <<= 1
