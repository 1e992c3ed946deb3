"""The files that a text names: one, those that match a pattern, or all in a folder."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fanfold.errors import SourceInvalid
from fanfold.sources.file import File, LocalFile
from fanfold.sources.stored import OUTSIDE, scheme_of, stored_files


def files_of(text: str, *, outside: bool = False) -> list[File]:
    """In the order of their names; at least one. `outside`: it is a request's, and may name
    buckets only."""
    scheme = scheme_of(text)
    if outside and (scheme not in OUTSIDE or "::" in text):
        allowed = ", ".join(f"{it}://" for it in sorted(OUTSIDE - {"memory"}))
        raise SourceInvalid(f"{text}: a request may only name a bucket's files ({allowed}).")
    found = list(_local_files(text, scheme) if scheme in ("", "file") else stored_files(text))
    if not found:
        what = "the folder has no files" if text.endswith("/") else "no file matches"
        raise SourceInvalid(f"{text}: {what}.")
    return found


def _local_files(text: str, scheme: str) -> Iterator[File]:
    if scheme:
        text = _path_in(text)
    path = Path(text)
    if text.endswith("/") and path.is_dir():
        for below in _in_folder(path):
            yield LocalFile(below, str(below))
    elif not path.exists() and glob.has_magic(text):
        for name in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207  also absolute ones
            if not Path(name).is_dir():
                yield LocalFile(_readable(Path(name), name), name)
    else:
        yield LocalFile(_checked(path, text), text)


def _path_in(url: str) -> str:
    split = urlsplit(url)
    if split.netloc not in ("", "localhost"):
        raise SourceInvalid(f"{url}: a file's address has three slashes: file:///folder/file")
    return unquote(split.path)


def _in_folder(folder: Path) -> list[Path]:
    """All files below it but the hidden ones, and those in hidden folders."""
    found: list[Path] = []
    for below, folders, names in os.walk(folder):
        folders[:] = [it for it in folders if not it.startswith(".")]
        found.extend(Path(below, name) for name in names if not name.startswith("."))
    return sorted(_readable(path, str(path)) for path in found)


def _checked(path: Path, text: str) -> Path:
    if not text or not path.exists():
        raise SourceInvalid(f"{text or repr(text)}: no such file. Name a file, or `-`.")
    if path.is_dir():
        raise SourceInvalid(f"{text}: is a folder. Write {text}/ for all files in it.")
    return _readable(path, text)


def _readable(path: Path, name: str) -> Path:
    if path.exists() and not os.access(path, os.R_OK):
        raise SourceInvalid(f"{name}: no permission to read it.")
    return path
