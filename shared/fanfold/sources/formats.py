"""What a source is: as it was asked for, or as its name says; and the reading as that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit

from fanfold.domain.source_format import TABLES, Format, SourceFormat
from fanfold.errors import SourceInvalid
from fanfold.sources.arrays import read_array
from fanfold.sources.jsonl import read_lines
from fanfold.sources.line import Line, OnProblem, refuse
from fanfold.sources.raw_lines import BOM, MAX_LINE_BYTES
from fanfold.sources.stored import scheme_of
from fanfold.sources.tables import read_table
from fanfold.sources.texts import read_texts
from fanfold.sources.unzip import unzipped

#: `?`: one document, or JSON Lines: its first character says
Kind = Format | Literal["?"]

_KINDS: dict[str, Kind] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".jsonlines"), "jsonl"),
    ".json": "?",
    ".csv": "csv",
    **dict.fromkeys((".tsv", ".tab"), "tsv"),
    ".txt": "text",
    ".parquet": "parquet",
}
_CONVERT = "Convert it to JSON Lines or CSV."
#: What cannot be read as it is, and the remedy.
_PACKED = {
    ".bz2": "Decompress it first: bunzip2 -c {name} | fanfold run FLOW -",
    ".xz": "Decompress it first: xz -dc {name} | fanfold run FLOW -",
    ".zst": "Decompress it first: zstd -dc {name} | fanfold run FLOW -",
    ".zip": "Unpack it first.",
}
_OTHER_TABLES = dict.fromkeys((".avro", ".orc", ".xlsx", ".xls"), _CONVERT)


def kind_of(name: str, asked: SourceFormat) -> Kind:
    """Refuses what cannot be read, and what was said of it that cannot be meant."""
    suffix = _suffix_of(name)
    remedies = _PACKED if asked.format else {**_PACKED, **_OTHER_TABLES}
    if remedy := remedies.get(suffix):
        raise SourceInvalid(f"{name}: {suffix} files are not read. {remedy.format(name=name)}")
    known = _KINDS.get(suffix)
    if (asked.format or known) == "parquet" and name.lower().endswith(".gz"):
        raise SourceInvalid(f"{name}: Parquet is read in place. Unpack it first: gunzip {name}")
    if asked.format:
        return asked.format
    if asked.is_of_a_table:
        if known in ("jsonl", "?", "parquet"):
            raise SourceInvalid(
                f"{name}: delimiter, columns and header are of CSV and TSV, and {suffix} is "
                "neither. Leave them out, or say --format csv."
            )
        return known if known in TABLES else "csv"
    if asked.pointer is not None:
        if known not in ("?", None):
            raise SourceInvalid(
                f"{name}: a pointer is for one JSON document, and {suffix} is none. Leave it out, "
                "or say --format json."
            )
        return "json"
    return known or "jsonl"


def _suffix_of(name: str) -> str:
    path = urlsplit(name).path if scheme_of(name) else name
    pure = PurePosixPath(path)
    if pure.suffix.lower() == ".gz":
        pure = pure.with_suffix("")
    return pure.suffix.lower()


def read_as(
    kind: Kind,
    chunks: Iterable[bytes],
    asked: SourceFormat,
    *,
    name: str,
    key_field: str,
    on_problem: OnProblem = refuse,
) -> Iterator[Line]:
    chunks = unzipped(chunks, name)
    if kind == "?":
        kind, chunks = _told_by_its_start(chunks)
    more: dict[str, Any] = {"name": name, "on_problem": on_problem}
    match kind:
        case "json":
            pointer = asked.pointer or ""
            return read_array(chunks, key_field=key_field, pointer=pointer, **more)
        case "csv" | "tsv":
            return read_table(
                chunks,
                key_field=key_field,
                delimiter=asked.delimiter or ("\t" if kind == "tsv" else ","),
                columns=asked.columns,
                header=asked.header,
                **more,
            )
        case "text":
            return read_texts(chunks, **more)
        case _:
            return read_lines(chunks, key_field=key_field, **more)


def _told_by_its_start(chunks: Iterable[bytes]) -> tuple[Format, Iterable[bytes]]:
    """An array, if that is how it begins. JSON Lines whose records are arrays need `--format`."""
    rest = iter(chunks)
    start = b""
    for chunk in rest:
        start += chunk
        if len(start) > len(BOM) and (_begun(start) or len(start) > MAX_LINE_BYTES):
            break
    return ("json" if _begun(start).startswith(b"[") else "jsonl"), chain([start], rest)


def _begun(start: bytes) -> bytes:
    return start.removeprefix(BOM).lstrip()
