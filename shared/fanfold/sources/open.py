"""A source as the user types it: a path, or `-` for standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from fanfold.errors import SourceInvalid
from fanfold.sources.jsonl import Line, read_lines

_CHUNK = 256 * 1024
_CONVERT = "Convert it to JSON Lines, one value per line."
#: What cannot be read as it is, and the remedy. Everything else is read as JSON Lines.
_REMEDIES = {
    ".gz": "Decompress it first: gunzip -c {name} | fanfold run FLOW -",
    ".bz2": "Decompress it first: bunzip2 -c {name} | fanfold run FLOW -",
    ".xz": "Decompress it first: xz -dc {name} | fanfold run FLOW -",
    ".zst": "Decompress it first: zstd -dc {name} | fanfold run FLOW -",
    ".zip": "Unpack it first.",
    **dict.fromkeys((".csv", ".tsv", ".parquet", ".avro", ".xlsx", ".xls"), _CONVERT),
}


def open_source(
    text: str, *, key_field: str = "id", stdin: BinaryIO | None = None
) -> Iterator[Line]:
    """The source's records. What can be known without reading is refused at once, the rest when
    the line is met."""
    if text == "-":
        return _read_standard_input(stdin, key_field)
    path = _checked(text)
    return _read_file(path, text, key_field)


def _checked(text: str) -> Path:
    if "://" in text:
        raise SourceInvalid(f"{text}: addresses are not read. Fetch it first and name the file.")
    path = Path(text)
    if not text or not path.exists():
        raise SourceInvalid(f"{text or repr(text)}: no such file. Name a JSON Lines file, or `-`.")
    if path.is_dir():
        raise SourceInvalid(f"{text}: is a directory. Name one JSON Lines file in it.")
    if remedy := _REMEDIES.get(path.suffix.lower()):
        raise SourceInvalid(
            f"{text}: {path.suffix.lower()} files are not read. {remedy.format(name=text)}"
        )
    if not os.access(path, os.R_OK):
        raise SourceInvalid(f"{text}: no permission to read it.")
    return path


def _read_file(path: Path, name: str, key_field: str) -> Iterator[Line]:
    try:
        with path.open("rb") as file:
            yield from read_lines(_chunks_of(file), name=name, key_field=key_field)
    except OSError as error:
        raise SourceInvalid(f"{name}: {error.strerror or error}") from error


def _read_standard_input(stdin: BinaryIO | None, key_field: str) -> Iterator[Line]:
    if stdin is None:
        if sys.stdin is None:
            raise SourceInvalid("standard input: there is none here. Name a file.")
        stdin = sys.stdin.buffer
    return read_lines(_chunks_of(stdin), name="standard input", key_field=key_field)


def _chunks_of(file: BinaryIO) -> Iterator[bytes]:
    return iter(partial(file.read, _CHUNK), b"")
