"""Results as CSV (RFC 4180): a row each, after one row of names.

    index,key,status,output,error_type,error_message[,parameters]

`output` and `parameters` are JSON. With columns of their own, fields of the output are in its
place: a text as it is, nothing and null as an empty cell, any other value as JSON. Every cell is
written by the rule in cells.py; what has an error has an `error_type`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fanfold.errors import OptionInvalid
from fanfold.folds.dotted import Place, place_at
from fanfold.folds.exports.cells import cell_of, cell_of_optional
from fanfold.folds.exports.format import FormatName
from fanfold.folds.result import Result

BEFORE = ("index", "key", "status")
OUTPUT = "output"
AFTER = ("error_type", "error_message")
PARAMETERS = "parameters"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    place: Place


def columns_from(text: str) -> list[Column]:
    """`label,score=details.score`: fields of the output, each under its own or another name."""
    columns: list[Column] = []
    taken = {*BEFORE, OUTPUT, *AFTER, PARAMETERS}
    for part in text.split(","):
        name, _, place = part.strip().partition("=")
        try:
            column = Column(name.strip(), place_at((place or name).strip()))
        except OptionInvalid as error:
            raise OptionInvalid(f"--columns {text}: {error}") from None
        if column.name in taken or not column.name:
            why = "is in every export" if column.name else "is empty"
            why = "is there twice" if any(it.name == column.name for it in columns) else why
            raise OptionInvalid(
                f"--columns {text}: the name {column.name!r} {why}. Give the field another: "
                f"NAME={column.place.text}"
            )
        taken.add(column.name)
        columns.append(column)
    return columns


class Table:
    """CSV. It has a column of parameters if whoever writes knows that there are some, or if the
    first result has."""

    name = FormatName.CSV

    def __init__(self, columns: Sequence[Column] = (), *, has_parameters: bool = False) -> None:
        self._columns = tuple(columns)
        self._has_parameters = has_parameters

    def begin(self, first: Result | None) -> bytes:
        self._has_parameters |= first is not None and first.parameters is not None
        fields = [it.name for it in self._columns] or [OUTPUT]
        more = [PARAMETERS] if self._has_parameters else []
        return _row([cell_of(it) for it in (*BEFORE, *fields, *AFTER, *more)])

    def line(self, result: Result) -> bytes:
        if self._columns:
            output = result.output
            fields = [_field(it.place.of(output)) for it in self._columns]
        else:
            fields = [cell_of(result.text or "")]
        error = result.error
        cells = [
            str(result.index),
            cell_of_optional(result.key),
            result.status.value,
            *fields,
            cell_of_optional(error["type"] if error else None),
            cell_of(error["message"] if error else ""),
        ]
        if self._has_parameters:
            own = result.parameters
            cells.append("" if own is None else cell_of(json.dumps(own)))
        elif result.parameters is not None:
            raise ValueError(f"record {result.index} has parameters, and the first record has none")
        return _row(cells)


def _field(value: Any) -> str:
    if value is None:
        return ""
    return cell_of(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _row(cells: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()
