"""A record per file, not those in it: with its text, or only where it is.

Its key is its path, unless the record has one of its own (`--key name`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, Literal

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.file import File, chunks_of
from fanfold.sources.line import Line, OnProblem, body_of, field_key, key_of, refuse
from fanfold.sources.raw_lines import BOM
from fanfold.sources.unzip import unzipped

_PATHS = "Hand on where it is instead: --files path"


def whole_files(
    files: Iterable[File],
    what: Literal["content", "path"],
    *,
    key_field: str = "id",
    on_problem: OnProblem = refuse,
) -> Iterator[Line]:
    for file in files:
        data: dict[str, Any] = {"path": file.name, "name": PurePosixPath(file.name).name}
        try:
            if what == "path":
                data["size"] = file.size
            else:
                data["text"] = _text_of(file)
            line = _line_of(file, data, key_field)
        except SourceInvalid as problem:
            on_problem(problem)
            continue
        yield line


def _line_of(file: File, data: dict[str, Any], key_field: str) -> Line:
    try:
        key, body = field_key(data, key_field), body_of(data)
    except ValueError as error:
        raise SourceInvalid(f"{file.name}: {error}.") from None
    if key is not None:
        return Line(key, body, 0, 0, data, file.name)
    try:
        key = key_of(file.name, "path")
    except ValueError:  # a path that is too long to be looked up by
        return Line(None, body, 0, 0, data, file.name)
    return Line(key, body, 0, 0, data, file.name, keyed=True)


def _text_of(file: File) -> str:
    """All of it, if it can be in a record at all."""
    held = bytearray()
    for piece in unzipped(chunks_of(file), file.name):
        held += piece
        if len(held) > MAX_RECORD_BYTES:
            raise SourceInvalid(
                f"{file.name}: has more than {MAX_RECORD_BYTES:,} bytes, which is the most that a "
                f"record can hold. {_PATHS}"
            )
    try:
        return bytes(held).removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        at = error.start + 1
        raise SourceInvalid(f"{file.name}: not UTF-8 at byte {at:,}. {_PATHS}") from None
