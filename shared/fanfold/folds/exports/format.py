"""What a result looks like in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import Protocol, runtime_checkable

from fanfold.folds.result import Result

GZIPPED = ".gz"


class FormatName(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Lines(Protocol):
    """A way to write results: a head, then each result by itself."""

    @property
    def name(self) -> FormatName: ...

    def begin(self, first: Result | None) -> bytes:
        """What comes before all results. `first` is the first of the whole export, for a head that
        depends on what there is."""

    def line(self, result: Result) -> bytes: ...


@runtime_checkable
class Groups(Protocol):
    """A way to write results: many at a time, and an end that tells where they are."""

    @property
    def name(self) -> FormatName: ...

    def chunks(
        self, results: Iterable[Result | None], on_written: Callable[[int], None]
    ) -> Iterator[bytes]: ...


Format = Lines | Groups


class JsonLines:
    """One line of JSON for each result, as `Result.line` has it."""

    name = FormatName.JSONL

    def begin(self, first: Result | None) -> bytes:  # noqa: ARG002  there is no head
        return b""

    def line(self, result: Result) -> bytes:
        return f"{result.line()}\n".encode(errors="surrogatepass")


def format_named_by(name: str) -> FormatName:
    """What the end of a file's name asks for; JSON Lines unless it says otherwise."""
    plain = name.lower().removesuffix(GZIPPED)
    asked = (it for it in (FormatName.CSV, FormatName.PARQUET) if plain.endswith(f".{it}"))
    return next(asked, FormatName.JSONL)


def is_gzip_named(name: str) -> bool:
    return name.lower().endswith(GZIPPED)
