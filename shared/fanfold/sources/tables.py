"""CSV and TSV: a record per row, its values under the columns' names, all of them text.

A value in quotes may hold the delimiter, quotes (doubled) and line ends. A row is named by the line
it begins in. Rows that do not fit the columns are refused: a file with a shifted row has other rows
that are wrong without showing it. A blank line is no row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.domain.source_format import names_problem
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, OnProblem, body_of, field_key, refuse, too_large
from fanfold.sources.raw_lines import BOM, MAX_LINE_BYTES, decoded, raw_lines

_QUOTES = 'A quote inside a quoted value is written twice ("").'
_DELIMITER = "Quote values that hold the delimiter, or name another one with --delimiter."
_COLUMNS = "Name the columns with --columns a,b,c or, where no row is a header, with --no-header."
#: in the words of somebody who looks at the file
_PROBLEMS = {"unexpected end of data": "a quote is opened and never closed"}


def read_table(
    chunks: Iterable[bytes],
    *,
    name: str,
    key_field: str = "id",
    delimiter: str = ",",
    columns: list[str] | None = None,
    header: bool = True,
    on_problem: OnProblem = refuse,
) -> Iterator[Line]:
    """The rows in `chunks`. With `columns`, or without `header`, the first row is a record, too.

    A header that names no columns is always raised: no row behind it could be read.
    """
    for number, row in _rows(_Lines(chunks, name), name, delimiter, on_problem):
        if columns is None:
            columns = _columns_from(row, f"{name}:{number}", header)
            if header:
                continue
        elif number == 1 and row == columns:
            raise SourceInvalid(f"{name}:1: this row names the columns: leave out --columns.")
        try:
            line = _record(columns, row, number, name, key_field)
        except SourceInvalid as problem:
            on_problem(problem)
            continue
        yield line


def _columns_from(row: list[str], place: str, header: bool) -> list[str]:
    if not header:
        return [f"c{number}" for number in range(1, len(row) + 1)]
    if problem := names_problem(row):
        raise SourceInvalid(f"{place}: in the header, {problem}. {_COLUMNS}")
    return row


def _record(columns: list[str], row: list[str], number: int, name: str, key_field: str) -> Line:
    place = f"{name}:{number}"
    if len(row) != len(columns):
        values = "1 value" if len(row) == 1 else f"{len(row)} values"
        raise SourceInvalid(f"{place}: {values} for {len(columns)} columns. {_DELIMITER}")
    data = dict(zip(columns, row, strict=True))
    try:
        return Line(field_key(data, key_field), body_of(data), number, 0, data, name)
    except ValueError as error:
        raise SourceInvalid(f"{place}: {error}.") from None


class _Lines:
    """Lines of text, counted, for the rows that are made of them. A class, not a generator: it
    goes on behind a line that was refused."""

    def __init__(self, chunks: Iterable[bytes], name: str) -> None:
        self._raw = raw_lines(chunks)
        self._name = name
        self.number = 0
        #: bytes of the row that is being read
        self.size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = next(self._raw)
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(BOM)
        self.size += len(raw)
        if self.size > MAX_LINE_BYTES:
            self._raw = iter(())  # nobody knows where the next row begins
            raise SourceInvalid(
                f"{self._name}:{self.number}: {too_large(self.size, exact=False)} Or is a quote "
                "opened and never closed?"
            )
        place = f"{self._name}:{self.number}"
        return decoded(raw, place, "Save it as UTF-8.", first=self.number == 1)


def _rows(
    lines: _Lines, name: str, delimiter: str, on_problem: OnProblem
) -> Iterator[tuple[int, list[str]]]:
    """Each row, with the number of the line it begins in."""
    # One limit for the whole process, and lower than ours: it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD_BYTES))
    reader: Any = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        number, lines.size = lines.number + 1, 0
        try:
            row = next(reader, None)
        except csv.Error as error:
            why = _PROBLEMS.get(str(error), str(error))
            on_problem(SourceInvalid(f"{name}:{number}: not a row: {why}. {_QUOTES}"))
            continue
        except SourceInvalid as problem:
            on_problem(problem)
            continue
        if row is None:
            return
        if row:
            yield number, row
