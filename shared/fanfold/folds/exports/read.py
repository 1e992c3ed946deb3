"""A CSV export, read back exactly: what a spreadsheet or another reader would have to undo.

from fanfold.folds import read_csv_export

for row in read_csv_export("results.csv"):
    print(row["key"], row["output"])
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any, TextIO

from fanfold.errors import SourceInvalid
from fanfold.folds.exports.cells import optional_text_of, text_of
from fanfold.folds.exports.format import is_gzip_named
from fanfold.folds.exports.table import AFTER, BEFORE, OUTPUT, PARAMETERS

#: An output may be of any size, and so may its cell. Python has one limit for a whole process.
_ANY_SIZE = 2**31 - 1


def read_csv_export(path: str | PathLike[str]) -> Iterator[dict[str, Any]]:
    """Each row as `Result.line` has it: {"index", "key", "status", "output", "error"}, and
    "parameters" where it has them. Of an export with columns of its own these are in "output", by
    name and as text: such an export has no more than that of the output."""
    csv.field_size_limit(_ANY_SIZE)
    where = Path(path)
    with _opened(where) as text:
        rows = csv.reader(text, strict=True)
        names = [text_of(it) for it in next(rows, [])]
        if tuple(names[: len(BEFORE)]) != BEFORE or not {*AFTER} <= {*names}:
            raise SourceInvalid(f"{where} is no export of `fanfold results`: another head")
        for cells in rows:
            if len(cells) != len(names):
                raise SourceInvalid(
                    f"{where}:{rows.line_num}: {len(cells)} cells, not {len(names)}"
                )
            yield _row(dict(zip(names, cells, strict=True)))


def _opened(path: Path) -> TextIO:
    if is_gzip_named(path.name):
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _row(cells: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "index": int(cells.pop("index")),
        "key": optional_text_of(cells.pop("key")),
        "status": cells.pop("status"),
    }
    kind = optional_text_of(cells.pop("error_type"))
    message = text_of(cells.pop("error_message"))
    own = cells.pop(PARAMETERS, None)
    row["output"] = (
        _json(cells[OUTPUT]) if OUTPUT in cells else {it: text_of(cells[it]) for it in cells}
    )
    row["error"] = None if kind is None else {"type": kind, "message": message}
    if own:
        row["parameters"] = _json(own)
    return row


def _json(cell: str) -> Any:
    return json.loads(text_of(cell)) if cell else None
