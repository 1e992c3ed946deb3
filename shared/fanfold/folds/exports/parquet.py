"""Results as Parquet: a row each, in row groups, so that memory does not grow with them.

    index int64, key, status, … what is in the outputs …, error_type, error_message[, parameters]

What is in the outputs is seen in the first row group, and stays so for the whole export:

| the outputs there                 | columns                                                      |
|-----------------------------------|--------------------------------------------------------------|
| flat objects, all of them         | one for each field, and `rest`                               |
| anything else, or there are none  | `output`: JSON text                                          |

A field is bool, int64, double or string, as its first value was; whole numbers among floats are
double. What comes later and does not fit is not lost and stops nothing: it is in `rest`, as JSON
text: an object of the fields that do not fit, or an output that is no object. A field whose name is
taken by another column is called `output.NAME`. All texts are strings; half a surrogate pair, which
no string can hold, makes a field go to `rest`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fanfold.errors import OptionInvalid
from fanfold.folds.exports.format import FormatName
from fanfold.folds.exports.table import AFTER, BEFORE, OUTPUT, PARAMETERS, Column
from fanfold.folds.result import Result

REST = "rest"
_TAKEN = frozenset({*BEFORE, OUTPUT, REST, *AFTER, PARAMETERS})
#: More than this is no table: outputs with so many different fields are JSON text.
_MAX_FIELDS = 1000
#: A row group ends with the first of these.
_RESULTS = 10_000
_CHARS = 8 * 1024 * 1024
_INT64 = range(-(2**63), 2**63)
_INSTALL = "pip install 'fanfold[parquet]'"


def check_writable(what: str) -> None:
    """OptionInvalid if the library is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise OptionInvalid(f"{what}: Parquet is not written here: {_INSTALL}") from None


@dataclass(frozen=True, slots=True)
class _Field:
    #: in the outputs
    name: str
    #: in the file
    column: str
    kind: type


class ParquetTable:
    """Parquet. Which columns it has is decided once, whatever number of files it is written to."""

    name = FormatName.PARQUET

    def __init__(self, columns: Sequence[Column] = (), *, has_parameters: bool = False) -> None:
        check_writable("Parquet")
        if any(it.name == REST for it in columns):
            raise OptionInvalid(f"--columns: the name {REST!r} is in every Parquet. Give another")
        self._columns = tuple(columns)
        self._has_parameters = has_parameters
        self._fields: list[_Field] | None = None
        self._schema: Any = None

    def chunks(
        self, results: Iterable[Result | None], on_written: Callable[[int], None]
    ) -> Iterator[bytes]:
        """A whole file, a row group at a time."""
        import pyarrow.parquet as pq

        sink, writer = _Sink(), None
        try:
            for group in _groups(results):
                if self._schema is None:
                    self._decide(group)
                writer = writer or pq.ParquetWriter(sink, self._schema, compression="zstd")
                writer.write_table(self._table(group))
                yield sink.taken()
                on_written(len(group))
            if self._schema is None:
                self._decide([])
            writer = writer or pq.ParquetWriter(sink, self._schema, compression="zstd")
        finally:
            if writer is not None:
                writer.close()
        yield sink.taken()

    def _decide(self, group: list[Result]) -> None:
        import pyarrow as pa

        self._has_parameters |= any(it.parameters is not None for it in group)
        self._fields = _fields_of(
            [self._flat(it) for it in group if it.ok and it.text != "null"],
            [it.name for it in self._columns],
        )
        text = pa.string()
        types = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: text}
        if self._fields is None:
            outputs = [(OUTPUT, text)]
        else:
            outputs = [*((it.column, types[it.kind]) for it in self._fields), (REST, text)]
        self._schema = pa.schema(
            [
                ("index", pa.int64()),
                ("key", text),
                ("status", text),
                *outputs,
                *((it, text) for it in AFTER),
                *([(PARAMETERS, text)] if self._has_parameters else []),
            ]
        )

    def _flat(self, result: Result) -> Any:
        """The output, or of it what is to be columns."""
        output = result.output
        if not self._columns:
            return output
        there = {it.name: it.place.of(output) for it in self._columns}
        return {
            name: json.dumps(it) if isinstance(it, dict | list) else it
            for name, it in there.items()
        }

    def _table(self, group: list[Result]) -> Any:
        import pyarrow as pa

        rows = [self._row(it) for it in group]
        columns = [
            pa.array([row.get(field.name) for row in rows], field.type) for field in self._schema
        ]
        return pa.Table.from_arrays(columns, schema=self._schema)

    def _row(self, result: Result) -> dict[str, Any]:
        if result.parameters is not None and not self._has_parameters:
            raise ValueError(
                f"record {result.index} has parameters, and the first records have none"
            )
        error = result.error or {}
        return {
            "index": result.index,
            "key": _held(result.key),
            "status": result.status.value,
            **self._outputs(result),
            "error_type": _held(error.get("type")),
            "error_message": _held(error.get("message")),
            PARAMETERS: None if result.parameters is None else json.dumps(result.parameters),
        }

    def _outputs(self, result: Result) -> dict[str, Any]:
        if self._fields is None:
            text = result.text
            return {OUTPUT: text if text is None or _is_text(text) else json.dumps(result.output)}
        output = self._flat(result) if result.ok else None
        if not isinstance(output, dict):
            return {REST: None if output is None else json.dumps(output)}
        row: dict[str, Any] = {}
        rest = dict(output)
        for field in self._fields:
            value = rest.get(field.name)
            if value is None or _fits(value, field.kind):
                row[field.column] = rest.pop(field.name, None)
        rest = {name: value for name, value in rest.items() if value is not None}
        row[REST] = json.dumps(rest) if rest else None
        return row


def _groups(results: Iterable[Result | None]) -> Iterator[list[Result]]:
    held: list[Result] = []
    size = 0
    for result in results:
        if result is None:  # nobody reads half a file, so nothing is gained by not waiting
            continue
        held.append(result)
        size += len(result.text or "") + len(str(result.error))
        if len(held) >= _RESULTS or size >= _CHARS:
            yield held
            held, size = [], 0
    if held:
        yield held


def _fields_of(outputs: list[Any], wanted: list[str]) -> list[_Field] | None:
    """Those that are wanted; otherwise those of flat objects, in the order in which they were met,
    or None if these are none."""
    kinds: dict[str, type] = {}
    for output in outputs:
        if not isinstance(output, dict) or any(
            isinstance(it, dict | list) for it in output.values()
        ):
            return None
        for name, value in output.items():
            if not _is_text(name):
                return None
            if value is None:
                continue
            kind = kinds.setdefault(name, type(value))
            if kind is int and type(value) is float:
                kinds[name] = float
    kinds = {name: kinds.get(name, str) for name in wanted or kinds}
    named = {name: f"{OUTPUT}.{name}" if name in _TAKEN else name for name in kinds}
    if not kinds or len(kinds) > _MAX_FIELDS or len({*named.values()}) < len(named):
        return None
    return [_Field(name, named[name], kind) for name, kind in kinds.items()]


def _fits(value: Any, kind: type) -> bool:
    match value:
        case bool():
            return kind is bool
        case int():
            if kind is float:
                return abs(value) <= 2**53
            return kind is int and value in _INT64
        case float():
            return kind is float
        case str():
            return kind is str and _is_text(value)
        case _:
            return False


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _held(text: str | None) -> str | None:
    """As it is, but for half surrogate pairs: these are written as their escapes."""
    return text if text is None else text.encode(errors="backslashreplace").decode()


class _Sink(io.RawIOBase):
    """What was written since it was last asked for."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._held.append(piece)
        self._at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        whole = b"".join(self._held)
        self._held.clear()
        return whole
