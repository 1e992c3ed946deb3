"""A folder wherever fsspec reaches: s3://bucket/path, memory://….

A file is written to this disk first and then put there as a whole: a file that fsspec has open is
closed, and so kept, also when writing it broke off. Memory stays small, and a temporary folder must
have room for one file.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fanfold.errors import OptionInvalid

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def is_url(text: str) -> bool:
    return _URL.match(text) is not None


def path_of(url: str) -> str | None:
    """What a file:// URL names on this disk, with the / at its end if it has one."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme == "file" else None


class UrlFolder:
    def __init__(self, url: str) -> None:
        """Nothing is asked of it yet. OptionInvalid if nobody here speaks such a URL."""
        from fsspec.core import url_to_fs

        try:
            self._fs, root = url_to_fs(url)
        except ImportError as missing:
            raise OptionInvalid(f"{url}: {missing}") from None
        except ValueError as error:
            raise OptionInvalid(f"{url}: {error}") from None
        self._root: str = root.rstrip("/")

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="fanfold-") as folder:
            draft = Path(folder, "draft")
            with draft.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            with _as_os_error():
                self._fs.put_file(str(draft), self._at(name))

    def names(self) -> list[str]:
        try:
            with _as_os_error():
                self._fs.invalidate_cache()
                found: list[dict[str, Any]] = self._fs.ls(self._root, detail=True)
        except FileNotFoundError:
            return []
        return [posixpath.basename(it["name"]) for it in found if it["type"] == "file"]

    def delete(self, name: str) -> None:
        try:
            with _as_os_error():
                self._fs.rm_file(self._at(name))
        except FileNotFoundError:
            pass

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Each of the libraries behind fsspec raises errors of its own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
