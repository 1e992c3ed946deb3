"""Blobs in a folder. A blob appears under its name when it is whole, by a rename."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from fanfold.errors import BlobNotFound

_CHUNK = 1 << 18


class FolderBlobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, chunks: Iterable[bytes]) -> int:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
        size = 0
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    size += len(chunk)
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            with suppress(OSError):  # others may have put something there
                path.parent.rmdir()
            raise
        return size

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError:
            raise BlobNotFound(
                f"{name!r} is gone from {self._folder}. Was it deleted by hand? "
                "Create the batch again from its source."
            ) from None
        return _chunks_of(file, offset)

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        """By the name alone: to look at each folder on the way costs more than to read a blob."""
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"{name!r} would lie outside of the blobs' folder")
        return self._folder / name


def _chunks_of(file: BinaryIO, offset: int) -> Iterator[bytes]:
    with file:
        file.seek(offset)
        while chunk := file.read(_CHUNK):
            yield chunk
