"""A file, wherever it is: its name, its size, its version, and its bytes.

The version says whether it is still the same file: taken when the source is opened, and compared
when it has been read to its end. A file that has changed meanwhile would be read half as it was and
half as it is, so it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Protocol

from fanfold.errors import FanfoldError, SourceInvalid

_CHUNK = 256 * 1024


class File(Protocol):
    @property
    def name(self) -> str:
        """As the user would write it."""

    @property
    def size(self) -> int | None: ...

    @property
    def version(self) -> str:
        """In its store's words, as it was when it was found; empty where there are none."""

    def version_now(self) -> str: ...

    def open(self) -> AbstractContextManager[BinaryIO]: ...

    def failed(self, error: Exception) -> Exception:
        """What its store raised, in our words."""


class LocalFile:
    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self.name = name
        try:
            self.version, self.size = self._look()
        except OSError as error:
            raise self.failed(error) from None

    def version_now(self) -> str:
        return self._look()[0]

    def open(self) -> AbstractContextManager[BinaryIO]:
        return self._path.open("rb")

    def failed(self, error: Exception) -> Exception:
        why = getattr(error, "strerror", None) or str(error)
        return SourceInvalid(f"{self.name}: {why}. Name a file that can be read.")

    def _look(self) -> tuple[str, int | None]:
        found = self._path.stat()
        if not S_ISREG(found.st_mode):  # a pipe has no versions
            return "", None
        return f"{found.st_size} bytes of {found.st_mtime_ns}", found.st_size


@contextmanager
def opened(file: File) -> Iterator[BinaryIO]:
    """Its bytes; whoever has read them to the end may be sure that they are of one version."""
    try:
        with file.open() as stream:
            yield stream
        now = file.version_now()
    except FanfoldError:
        raise
    except Exception as error:
        raise file.failed(error) from error
    if now != file.version:
        raise SourceInvalid(
            f"{file.name}: it changed while it was read. Read a copy of it, or once nobody writes."
        )


def chunks_of(file: File) -> Iterator[bytes]:
    with opened(file) as stream:
        yield from pieces_of(stream)


def pieces_of(stream: BinaryIO) -> Iterator[bytes]:
    return iter(partial(stream.read, _CHUNK), b"")
