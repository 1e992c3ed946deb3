"""gzip, wherever it is met: told by its first two bytes, whatever the source is called."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from fanfold.errors import SourceInvalid

#: No text in UTF-8 begins so.
_MAGIC = b"\x1f\x8b"
#: zlib's word for "with gzip's own header"
_GZIP = 31
#: A small file may hold a large one: it is unpacked in pieces of at most so many bytes.
_PIECE = 256 * 1024


def unzipped(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The bytes, unpacked if they are packed; nothing is read before they are asked for."""
    rest = iter(chunks)
    start = b""
    for chunk in rest:
        start += chunk
        if len(start) >= len(_MAGIC):
            break
    if not start.startswith(_MAGIC):
        yield from chain([start] if start else [], rest)
        return
    try:
        yield from _unpacked(chain([start], rest), name)
    except zlib.error as error:
        raise SourceInvalid(f"{name}: damaged gzip: {error}. Fetch or pack it again.") from None


def _unpacked(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """A gzip file may be several behind each other, with zeros behind the last."""
    unpacker = zlib.decompressobj(_GZIP)
    begun = False
    for chunk in chunks:
        packed = chunk
        while packed:
            if not begun:
                packed = packed.lstrip(b"\0")
                begun = bool(packed)
            piece = unpacker.decompress(packed, _PIECE)
            if piece:
                yield piece
            if unpacker.eof:
                packed = unpacker.unused_data
                unpacker, begun = zlib.decompressobj(_GZIP), False
            else:
                packed = unpacker.unconsumed_tail
    if begun:
        raise SourceInvalid(f"{name}: the gzip file ends too early. Fetch or pack it again.")
