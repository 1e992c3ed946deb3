"""Blobs in a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from posixpath import normpath

from fanfold.errors import BlobNotFound


class MemoryBlobs:
    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def write(self, name: str, chunks: Iterable[bytes]) -> int:
        blob = b"".join(chunks)
        self._blobs[_checked(name)] = blob
        return len(blob)

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        blob = self._blobs.get(_checked(name))
        if blob is None:
            raise BlobNotFound(f"{name!r} is gone. Create the batch again from its source.")
        rest = blob[offset:]
        return iter([rest] if rest else [])

    def delete(self, name: str) -> None:
        self._blobs.pop(_checked(name), None)


def _checked(name: str) -> str:
    if normpath(name).startswith(("..", "/")):
        raise ValueError(f"{name!r} would lie outside of the store")
    return name
