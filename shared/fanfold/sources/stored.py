"""Files behind an address (gs://, s3://, https://, memory://), through fsspec.

fsspec and its plugins are loaded when the first address is met, and no sooner.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from fanfold.errors import EngineError, FanfoldError, SourceInvalid

#: What a request from outside may name: buckets, read with the rights they are given here, and what
#: is in the process itself. No local file, and no web address: those would be read from inside the
#: network this runs in.
OUTSIDE = frozenset({"gs", "s3", "memory"})
#: These have no listing, and a ? in them is no pattern.
_WEB = frozenset({"http", "https"})
_PLUGINS = {"s3": "pip install s3fs"}
_INSTALL = "pip install 'fanfold[google]'"
#: What tells versions apart, the surest first. Sizes alone would not, and are taken last.
_VERSION_FIELDS = (
    *("generation", "etag", "ETag", "version_id", "VersionId", "Content-MD5", "Digest"),
    *("mtime", "updated", "LastModified", "Last-Modified", "last_modified", "created"),
)
_SURE = frozenset({"generation", "etag", "ETag"})
_PATTERN = frozenset("*?[")
#: The libraries log each failure with its trace. Whoever listens to their loggers still hears it;
#: who does not is told once, by us.
_QUIET = logging.NullHandler()


def scheme_of(text: str) -> str:
    """Of an address, in small letters; empty if it is none."""
    scheme, found, _ = text.partition("://")
    return scheme.lower() if found else ""


class StoredFile:
    def __init__(self, store: Any, path: str, name: str, info: dict[str, Any]) -> None:
        self._store = store
        self._path = path
        self.name = name
        self.size: int | None = info.get("size")
        # A listing may put a time in other words than the file's own entry does.
        self.version = _version_in(info if _SURE & info.keys() else store.info(path))

    def version_now(self) -> str:
        self._store.invalidate_cache()
        return _version_in(self._store.info(self._path))

    def open(self) -> AbstractContextManager[BinaryIO]:
        opened: AbstractContextManager[BinaryIO] = self._store.open(self._path, "rb")
        return opened

    def failed(self, error: Exception) -> Exception:
        return _told(self.name, error)


def stored_files(url: str) -> Iterator[StoredFile]:
    """The file at an address, those that a pattern matches, or, behind a /, all that are below it;
    in the order of their names."""
    scheme = scheme_of(url)
    if "::" in url:
        raise SourceInvalid(f"{url}: addresses in a chain (::) are not read. Name one file.")
    store, path = _store_of(scheme, url)
    try:
        store.invalidate_cache()
        for at, info in sorted(_found(store, path, url, scheme).items()):
            name = url if at == path else f"{scheme}://{at.lstrip('/')}"
            yield StoredFile(store, at, name, info)
    except Exception as error:
        raise _told(url, error) from error


def _found(store: Any, path: str, url: str, scheme: str) -> dict[str, dict[str, Any]]:
    if scheme in _WEB:
        return {path: store.info(path)}
    if url.endswith("/"):
        below: dict[str, dict[str, Any]] = store.find(path, detail=True)
        return {at: info for at, info in below.items() if not _is_hidden(at, path)}
    if _PATTERN & set(path) and not store.isfile(path):
        matched: dict[str, dict[str, Any]] = store.glob(path, detail=True)
        hidden_too = _name_in(path).startswith(".")  # as in a shell
        return {
            at: info
            for at, info in matched.items()
            if info["type"] == "file" and (hidden_too or not _name_in(at).startswith("."))
        }
    info = store.info(path)
    if info["type"] == "directory":
        raise IsADirectoryError(url)
    return {path: info}


def _name_in(path: str) -> str:
    return path.rpartition("/")[2]


def _is_hidden(at: str, folder: str) -> bool:
    """Placeholders of folders too, which some consoles of buckets make."""
    rest = at.removeprefix(folder)
    return at.endswith("/") or any(part.startswith(".") for part in rest.split("/"))


def _store_of(scheme: str, url: str) -> tuple[Any, str]:
    import fsspec

    for library in ("fsspec", "gcsfs"):
        logging.getLogger(library).addHandler(_QUIET)
    try:
        if scheme == "gs":
            return _google_store(), url.partition("://")[2]
        store, path = fsspec.url_to_fs(url)
    except ImportError as missing:
        remedy = _PLUGINS.get(scheme, _INSTALL)
        raise SourceInvalid(f"{url}: {scheme}:// is not read here: {remedy}") from missing
    except ValueError as error:
        if scheme not in fsspec.available_protocols():
            raise SourceInvalid(
                f"{url}: there are no {scheme}:// addresses. Name a file."
            ) from None
        raise _told(url, error) from error
    return store, str(path)


def _google_store() -> Any:
    # gcsfs itself exports one with clients of further services, which know of no emulator.
    from gcsfs.core import GCSFileSystem

    return GCSFileSystem()


def _version_in(info: dict[str, Any]) -> str:
    known = next((f"{it} {info[it]}" for it in _VERSION_FIELDS if info.get(it)), "")
    size = info.get("size")
    return " ".join(part for part in (known, "" if size is None else f"{size} bytes") if part)


def _told(name: str, error: Exception) -> FanfoldError:
    """What is not there is the source's fault; anything else may be better the next time."""
    match error:
        case FanfoldError():
            return error
        case FileNotFoundError():
            return SourceInvalid(f"{name}: no such file. Look at the address.")
        case IsADirectoryError():
            return SourceInvalid(f"{name}: is a folder. Write {name}/ for all that is in it.")
        case PermissionError():
            return SourceInvalid(f"{name}: no permission to read it.")
        case ValueError():
            return SourceInvalid(f"{name}: {_line(error)}.")
        case _:
            host = urlsplit(name).netloc
            return EngineError(f"{name}: {host} could not be read: {_line(error)}. Try again.")


def _line(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
