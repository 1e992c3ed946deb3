"""Sources as somebody names them: files, folders, patterns, addresses, `-`, `batch:ID`,
`firestore://COLLECTION`.

`open_source` is what every face calls. Whatever can be known without reading is refused at once,
the rest where it is met.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, BinaryIO, Literal, Protocol

from fanfold.domain.collection_query import SCHEME, collection_query_from
from fanfold.domain.source_format import SourceFormat
from fanfold.errors import SourceInvalid
from fanfold.ports import Collections
from fanfold.sources.collections import NOT_HERE, from_documents
from fanfold.sources.file import File, chunks_of, pieces_of
from fanfold.sources.files import files_of
from fanfold.sources.formats import Kind, kind_of, read_as
from fanfold.sources.iterable import from_iterable
from fanfold.sources.line import Line, OnProblem, refuse
from fanfold.sources.parquet import check_readable, read_parquet
from fanfold.sources.results import PREFIX, Results, from_results
from fanfold.sources.whole_files import whole_files

STANDARD_INPUT = "-"
_MAX_NAMED = 3
_ANY = SourceFormat()


class Read(Protocol):
    def __call__(self, on_problem: OnProblem) -> Iterator[Line]: ...


@dataclass(frozen=True, slots=True)
class _Part:
    """What one text names."""

    name: str
    #: of each file in it
    versions: tuple[str, ...]
    read: Read


@dataclass(frozen=True, slots=True)
class Opened:
    #: for people, and to tell one request from another
    name: str
    #: which version of all that is in it; empty where nothing has versions
    version: str
    _parts: tuple[_Part, ...]

    def lines(self, on_problem: OnProblem = refuse) -> Iterator[Line]:
        """Its records, one source behind the other."""
        for part in self._parts:
            yield from part.read(on_problem)


def open_source(
    texts: Sequence[str],
    source_format: SourceFormat = _ANY,
    *,
    key_field: str = "id",
    stdin: BinaryIO | None = None,
    results: Callable[[str], Results] | None = None,
    collections: Collections | None = None,
    outside: bool = False,
) -> Opened:
    """`results` finds another batch by what is typed behind `batch:`, `collections` the documents
    behind `firestore://`. `outside`: the texts are a request's, and may name a bucket's files
    only: a database holds more than its askers may see."""
    if texts.count(STANDARD_INPUT) > 1:
        raise SourceInvalid("standard input can be read once. Name - once.")
    parts: list[_Part] = []
    for text in texts:
        if text == STANDARD_INPUT and not outside:
            parts.append(_standard_input(stdin, source_format, key_field))
        elif text.startswith(SCHEME) and not outside:
            parts.append(_documents(text, collections, source_format))
        elif text.startswith(PREFIX) and results is not None:
            parts.append(_results(results(text.removeprefix(PREFIX)), source_format, key_field))
        else:
            found = files_of(text, outside=outside)
            parts.append(_part_of(text, found, source_format, key_field))
    return Opened(_name_of(parts, source_format), _version_of(parts), tuple(parts))


def open_stream(
    stream: BinaryIO, name: str, source_format: SourceFormat = _ANY, *, key_field: str = "id"
) -> Opened:
    """What arrives from somewhere, under a name; it can be read once."""
    if source_format.files:
        raise SourceInvalid(f"{name} is no file. Leave out `files`.")
    part = _stream(stream, name, source_format, key_field)
    return Opened(_name_of([part], source_format), "", (part,))


def open_items(items: Callable[[], Iterable[Any]], name: str, *, key_field: str = "id") -> Opened:
    """Records from Python, under a name. `items` is called when they are read, where what it
    raises is told as the source's fault."""

    def all_of_them() -> Iterator[Any]:
        yield from items()

    def read(on_problem: OnProblem) -> Iterator[Line]:
        return from_iterable(all_of_them(), name=name, key_field=key_field, on_problem=on_problem)

    return Opened(name, "", (_Part(name, (), read),))


def _part_of(text: str, found: list[File], asked: SourceFormat, key_field: str) -> _Part:
    versions = tuple(f"{file.name} {file.version}" if file.version else "" for file in found)
    if asked.files:
        read = partial(_whole, found, asked.files, key_field)
        return _Part(text, versions, read)
    kinds = [(file, kind_of(file.name, asked)) for file in found]
    for file, kind in kinds:
        if kind == "parquet":
            check_readable(file.name)
    return _Part(text, versions, partial(_chained, kinds, asked, key_field))


def _chained(
    files: list[tuple[File, Kind]], asked: SourceFormat, key_field: str, on_problem: OnProblem
) -> Iterator[Line]:
    for file, kind in files:
        if kind == "parquet":
            yield from read_parquet(file, key_field=key_field, on_problem=on_problem)
            continue
        yield from read_as(
            kind,
            chunks_of(file),
            asked,
            name=file.name,
            key_field=key_field,
            on_problem=on_problem,
        )


def _whole(
    files: list[File], what: Literal["content", "path"], key_field: str, on_problem: OnProblem
) -> Iterator[Line]:
    return whole_files(files, what, key_field=key_field, on_problem=on_problem)


def _standard_input(stdin: BinaryIO | None, asked: SourceFormat, key_field: str) -> _Part:
    if asked.files:
        raise SourceInvalid("standard input is no file. Leave out --files, or name files.")
    if stdin is None:
        if sys.stdin is None:
            raise SourceInvalid("standard input: there is none here. Name a file.")
        stdin = sys.stdin.buffer
    return _stream(stdin, "standard input", asked, key_field)


def _stream(stream: BinaryIO, name: str, asked: SourceFormat, key_field: str) -> _Part:
    if asked.format == "parquet":
        raise SourceInvalid(
            f"{name}: Parquet is read from its end on, so it must be a file. Name it."
        )

    def read(on_problem: OnProblem) -> Iterator[Line]:
        return read_as(
            kind_of(name, asked),
            pieces_of(stream),
            asked,
            name=name,
            key_field=key_field,
            on_problem=on_problem,
        )

    return _Part(name, (), read)


def _results(results: Results, asked: SourceFormat, key_field: str) -> _Part:
    if asked != _ANY:
        raise SourceInvalid(f"{results.name}: results are records already: they take no format.")

    def read(on_problem: OnProblem) -> Iterator[Line]:
        return from_results(results, key_field=key_field, on_problem=on_problem)

    return _Part(results.name, (f"{results.name} {results.version}",), read)


def _documents(text: str, collections: Collections | None, asked: SourceFormat) -> _Part:
    query = collection_query_from(text)
    if collections is None:
        raise SourceInvalid(f"{text}: {NOT_HERE}")
    if asked != _ANY:
        raise SourceInvalid(f"{text}: documents are records already: they take no format.")

    def read(on_problem: OnProblem) -> Iterator[Line]:
        return from_documents(collections, query, on_problem=on_problem)

    return _Part(text, (), read)


def _name_of(parts: list[_Part], asked: SourceFormat) -> str:
    """All of them count, though not all are read out; and how they are read counts, too."""
    names = [part.name for part in parts]
    text = ", ".join(names[:_MAX_NAMED])
    if len(names) > _MAX_NAMED:
        text += f" and {len(names) - _MAX_NAMED} more ({_digest_of(names)})"
    return f"{text} ({asked.in_words})" if asked.in_words else text


def _version_of(parts: list[_Part]) -> str:
    versions = [version for part in parts for version in part.versions if version]
    if len(versions) == 1:
        return versions[0].removeprefix(f"{parts[0].name} ")
    return f"{len(versions)} files, {_digest_of(versions)}" if versions else ""


def _digest_of(texts: list[str]) -> str:
    digest = blake2b(digest_size=16)
    for text in texts:
        digest.update(f"{len(text)} {text}".encode(errors="surrogatepass"))
    return digest.hexdigest()
