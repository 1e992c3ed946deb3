"""A folder that files are written into: each there whole, or not at all.

On this disk a file is written beside its place first and takes it by a rename, so that nobody reads
half of it and a crash leaves what was there before. What is no plain file (a pipe, /dev/null) is
written to.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class Folder(Protocol):
    """Whatever cannot be done raises OSError."""

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """A file of this name, whole or not at all; one that is there is replaced."""

    def names(self) -> list[str]:
        """The files there; none if there is no such folder."""

    def delete(self, name: str) -> None:
        """Gone, if it was there."""


class DiskFolder:
    """It is made when the first file is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        self._path.mkdir(exist_ok=True)
        path = self._path / name
        if path.exists() and not path.is_file():
            _write(os.open(path, os.O_WRONLY), chunks)
            return
        handle, draft = tempfile.mkstemp(prefix=f".{name}.", dir=self._path)
        try:
            _write(handle, chunks)
            Path(draft).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def names(self) -> list[str]:
        if not self._path.is_dir():
            return []
        return [it.name for it in self._path.iterdir() if it.is_file()]

    def delete(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)


def _write(handle: int, chunks: Iterable[bytes]) -> None:
    with os.fdopen(handle, "wb") as file:
        for chunk in chunks:
            file.write(chunk)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
