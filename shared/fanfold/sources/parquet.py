"""Parquet: a record per row, its values under the columns' names, as JSON has them.

| Parquet                                | JSON                                                  |
|----------------------------------------|-------------------------------------------------------|
| numbers, booleans, text, null          | themselves; NaN and Infinity are refused              |
| decimal                                | text, as it is written: "1.50"                        |
| timestamp                              | text, ISO 8601; with a time zone, in UTC              |
| date, time                             | text, ISO 8601                                        |
| duration                               | seconds                                               |
| binary                                 | text, base64                                          |
| list, struct                           | array, object                                         |
| map                                    | object; an array of {"key", "value"}, if its keys are |
|                                        | no text                                               |

Times are read to the microsecond. The file's end says where everything in it is, so it is no stream
of bytes: it is read in place, a batch of rows at a time, and of a row group no more than it takes.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from fanfold.domain.source_format import names_problem
from fanfold.errors import FanfoldError, SourceInvalid
from fanfold.sources.file import File, opened
from fanfold.sources.line import Line, OnProblem, body_of, field_key, parse, refuse

#: Rows that are converted at once, and the bytes that are read at once of each column.
_ROWS = 500
_BUFFER = 64 * 1024
_INSTALL = "pip install 'fanfold[parquet]'"


def check_readable(name: str) -> None:
    """SourceInvalid if the library is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise SourceInvalid(f"{name}: Parquet is not read here: {_INSTALL}") from None


def read_parquet(
    file: File, *, key_field: str = "id", on_problem: OnProblem = refuse
) -> Iterator[Line]:
    """The rows of the file, counted from 0. A file that is damaged is always raised."""
    with opened(file) as stream:
        for number, row in enumerate(_rows(stream, file.name)):
            place = f"{file.name}: row {number}"
            try:
                body = body_of(row, _plain)
                data = parse(body)
                line = Line(field_key(data, key_field), body, 0, 0, data, place)
            except ValueError as error:
                on_problem(SourceInvalid(f"{place}: {_not_finite(row) or error}."))
                continue
            yield line


def _rows(stream: BinaryIO, name: str) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    read = 0
    try:
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BUFFER)
        schema = file.schema_arrow
        if problem := names_problem(schema.names):
            raise SourceInvalid(f"{name}: {problem}. Give each column a name of its own.")
        wanted = [_type_of(field.type, field.name, name) for field in schema]
        for batch in file.iter_batches(_ROWS):
            columns = [
                values if values.type == type_ else values.cast(type_, safe=False)
                for values, type_ in zip(map(_stored, batch.columns), wanted, strict=True)
            ]
            plain = pa.RecordBatch.from_arrays(columns, names=schema.names)
            rows = plain.to_pylist(maps_as_pydicts="strict")
            yield from rows
            read += len(rows)
    except FanfoldError:
        raise
    except (ValueError, KeyError, OverflowError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and not (type(error) is OSError and error.errno is None):
            raise  # the store's: the library's own have no number
        told = " ".join(str(error).split()).rstrip(".")[:300]
        raise SourceInvalid(
            f"{name}: from row {read} on it is no Parquet that can be read: {told}. Look at the "
            "file, or write it again."
        ) from error


def _stored(values: Any) -> Any:
    """What a type that somebody defined is made of."""
    return getattr(values, "storage", values)


def _type_of(type_: Any, column: str, name: str) -> Any:
    """The type as which Python has values that JSON knows, or that `_plain` does."""
    import pyarrow as pa
    from pyarrow import types

    def within(inner: Any) -> Any:
        return _type_of(inner, column, name)

    if isinstance(type_, pa.BaseExtensionType):
        return within(type_.storage_type)
    if types.is_dictionary(type_):
        return within(type_.value_type)
    if types.is_map(type_):
        pair = within(type_.key_type), within(type_.item_type)
        if types.is_string(pair[0]):
            return pa.map_(*pair)
        return pa.list_(pa.struct([("key", pair[0]), ("value", pair[1])]))
    if types.is_struct(type_):
        return pa.struct([(it.name, within(it.type)) for it in type_])
    if types.is_large_list(type_):
        return pa.large_list(within(type_.value_type))
    if types.is_list(type_) or types.is_fixed_size_list(type_):
        return pa.list_(within(type_.value_type))
    single = _single_type_of(type_)
    if single is None:
        raise SourceInvalid(
            f"{name}: column {column!r} is of the type {type_}, which JSON has nothing for. "
            "Convert it, or leave it out."
        )
    return single


def _single_type_of(type_: Any) -> Any:
    """Of a single value; None for what is not read."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_timestamp(type_):
        # an offset, not a name: names are looked up in a table that not every system has
        return pa.timestamp("us", tz="+00:00" if type_.tz else None)
    if types.is_time(type_):
        return pa.time64("us")
    if types.is_duration(type_):
        return pa.duration("us")
    if types.is_float16(type_):
        return pa.float32()
    if types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return pa.large_string() if types.is_large_string(type_) else pa.string()
    if types.is_fixed_size_binary(type_) or types.is_binary_view(type_):
        return pa.binary()
    is_known = (
        types.is_boolean(type_)
        or types.is_integer(type_)
        or types.is_floating(type_)
        or types.is_date(type_)
        or types.is_decimal(type_)
        or types.is_null(type_)
        or types.is_binary(type_)
        or types.is_large_binary(type_)
    )
    return type_ if is_known else None


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return format(value, "f")
        case bytes():
            return b64encode(value).decode()
        case _:
            raise TypeError(f"a {type(value).__name__} in it is not JSON")


def _not_finite(row: dict[str, Any]) -> str:
    """Which column has no JSON value; empty if each has."""
    for name, value in row.items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"column {name!r} has {value}, which is no JSON value; write null"
    return ""
