"""Where results go: standard output, a file, or many files in a folder; here or behind a URL.

| `--out`              | what is written                                                      |
|----------------------|----------------------------------------------------------------------|
| -                    | standard output                                                      |
| results.csv.gz       | one file, in the format its name says, whole or not at all           |
| results/             | files of so many records each, and then their manifest               |
| gs://bucket/results/ | the same, wherever fsspec reaches                                    |
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.errors import FanfoldError, OptionInvalid
from fanfold.folds.exports.chunks import chunks_of, gzipped
from fanfold.folds.exports.folder import DiskFolder
from fanfold.folds.exports.format import (
    GZIPPED,
    Format,
    FormatName,
    JsonLines,
    format_named_by,
    is_gzip_named,
)
from fanfold.folds.exports.parquet import ParquetTable, check_writable
from fanfold.folds.exports.shards import RECORDS, write_shards
from fanfold.folds.exports.table import Column, Table
from fanfold.folds.exports.urls import UrlFolder, is_url, path_of

if TYPE_CHECKING:
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.batch import Batch
    from fanfold.folds.exports.folder import Folder
    from fanfold.folds.result import Result

STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Shape:
    """How results look there. What is not said, the name says."""

    format: FormatName | None = None
    columns: Sequence[Column] = ()
    gzip: bool = False
    #: in each file of a folder
    shard_records: int = RECORDS
    #: each run has its own
    parameters: bool = False

    def form(self, out: str) -> Format:
        match self.format or format_named_by(out):
            case FormatName.CSV:
                return Table(self.columns, has_parameters=self.parameters)
            case FormatName.PARQUET:
                return ParquetTable(self.columns, has_parameters=self.parameters)
            case FormatName.JSONL:
                return JsonLines()

    def for_(self, batch: Batch | None) -> Shape:
        return self if batch is None else replace(self, parameters=bool(batch.options.grid))

    def packs(self, out: str) -> bool:
        return self.gzip or (not is_folder(out) and is_gzip_named(out))


_AS_NAMED = Shape()


def is_folder(out: str) -> bool:
    return out.endswith("/")


def check_out(out: str | None, *, as_json: bool) -> None:
    """Refuse now what could not be written when everything has been run."""
    if out is None:
        return
    if out == STANDARD_OUTPUT:
        if as_json:
            raise OptionInvalid(
                "--out - and --json both want standard output. Name a file: --out results.jsonl"
            )
        return
    if not out:
        raise OptionInvalid("--out: name a file, a folder with a / at its end, or -")
    if not is_folder(out) and format_named_by(out) is FormatName.PARQUET:
        if is_gzip_named(out):
            raise OptionInvalid(
                f"--out {out}: Parquet is compressed in itself. Leave out {GZIPPED}"
            )
        check_writable(f"--out {out}")
    here = path_of(out) or out
    if is_url(here):
        _check_url(here)
    else:
        _check_path(out, Path(here), many=is_folder(here))


def _check_url(out: str) -> None:
    scheme, _, place = out.partition("://")
    if not place.rpartition("/")[0]:
        raise OptionInvalid(f"--out {out}: write it like {scheme}://bucket/results.jsonl")
    _url_folder(out)


def _check_path(out: str, path: Path, *, many: bool) -> None:
    if path.is_dir() and not many:
        raise OptionInvalid(
            f"--out {out}: is a directory. Name a file, or write {out}/ for files in it"
        )
    if path.exists() and many and not path.is_dir():
        raise OptionInvalid(f"--out {out}: is a file. Leave the / off, or name a folder")
    if not path.resolve().parent.is_dir():
        raise OptionInvalid(f"--out {out}: there is no folder {path.resolve().parent}. Make it")
    if not os.access(path if path.exists() else path.resolve().parent, os.W_OK):
        raise OptionInvalid(f"--out {out}: no permission to write there")


def write_results(
    terminal: Terminal,
    out: str,
    results: Iterable[Result],
    on_progress: Callable[[int], None] | None = None,
    *,
    shape: Shape = _AS_NAMED,
    batch: Batch | None = None,
) -> int:
    """How many were written."""
    shape = shape.for_(batch)
    written = _Written(on_progress)
    if out == STANDARD_OUTPUT:
        write_stream(terminal.data_bytes, out, results, shape, written.add)
        return written.count
    try:
        if is_folder(out):
            shards = write_shards(
                _folder(out), results, shape.form(out),
                batch_id=None if batch is None else batch.id, records=shape.shard_records,
                gzip=shape.gzip, on_written=written.add,
            )  # fmt: skip
            if shards.removed:
                terminal.say(f"{out}: removed {', '.join(shards.removed)} of an older export")
        else:
            folder, name = _file(out)
            folder.write(name, _chunks(out, results, shape, written.add))
    except OSError as error:
        raise FanfoldError(
            f"{out}: {error.strerror or error}. The results are kept: `fanfold results` writes "
            "them again"
        ) from error
    return written.count


def write_stream(
    put: Callable[[bytes], bool],
    out: str,
    results: Iterable[Result | None],
    shape: Shape,
    on_written: Callable[[int], None],
) -> None:
    """Chunk by chunk, until `put` says that nobody reads any more."""
    for chunk in _chunks(out, results, shape, on_written):
        if not put(chunk):
            break


def _chunks(
    out: str,
    results: Iterable[Result | None],
    shape: Shape,
    on_written: Callable[[int], None],
) -> Iterable[bytes]:
    rest = iter(results)
    first = next((it for it in rest if it is not None), None)
    every = rest if first is None else chain([first], rest)
    chunks = chunks_of(every, shape.form(out), first, on_written)
    return gzipped(chunks) if shape.packs(out) else chunks


def _file(out: str) -> tuple[Folder, str]:
    here = path_of(out) or out
    if is_url(here):
        parent, _, name = here.rpartition("/")
        return _url_folder(parent), name
    path = Path(here).resolve()
    return DiskFolder(path.parent), path.name


def _folder(out: str) -> Folder:
    here = path_of(out) or out
    return _url_folder(here) if is_url(here) else DiskFolder(Path(here).resolve())


def _url_folder(url: str) -> Folder:
    if url.startswith(("gs://", "gcs://")):
        from fanfold.cli.bucket_folder import BucketFolder

        return BucketFolder(url)
    return UrlFolder(url)


class _Written:
    def __init__(self, on_progress: Callable[[int], None] | None) -> None:
        self._on_progress = on_progress
        self.count = 0

    def add(self, results: int) -> None:
        self.count += results
        if self._on_progress is not None:
            self._on_progress(self.count)
