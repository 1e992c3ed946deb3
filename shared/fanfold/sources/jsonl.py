"""JSON Lines: one JSON value a line, read as a stream in constant memory.

Forgiving about what editors and systems do to a file (blank lines, carriage returns, a byte order
mark, no line end at the end), strict about each line being one JSON value. The first line that is
wrong is named, with the column and what to do; nothing of a source is taken on trust later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import from_json

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, NotJson, OnProblem, key_of, parse, refuse, too_large
from fanfold.sources.raw_lines import BOM, MAX_LINE_BYTES, binary_hint, raw_lines

__all__ = ["Line", "read_lines"]

_WHITE = b" \t\r\n"
_REMEDY = "Each line must be one JSON value."


def read_lines(
    chunks: Iterable[bytes],
    *,
    name: str,
    key_field: str = "id",
    offset: int = 0,
    line: int = 0,
    on_problem: OnProblem = refuse,
) -> Iterator[Line]:
    """The records in `chunks`, which begin at byte `offset` of the source, after `line` lines.

    `name` is the source's name in errors. Going on from a line's `end` and `number` gives the
    lines behind it, numbered as if everything had been read.
    """
    number, end, first = line, offset, offset == 0
    for raw in raw_lines(chunks):
        number += 1
        end += len(raw)
        if end == len(raw):
            raw = raw.removeprefix(BOM)  # noqa: PLW2901
        body = raw.strip(_WHITE)
        if not body and len(raw) <= MAX_LINE_BYTES:
            continue
        try:
            if len(raw) > MAX_RECORD_BYTES:
                _check_size(raw, body, f"{name}:{number}")
            try:
                text = body.decode()
                data = from_json(text, allow_inf_nan=False, cache_strings="keys")
            except ValueError:
                text, data = _read_slowly(raw, body, f"{name}:{number}", first)
            key = None
            if type(data) is dict and key_field in data:
                key = _key_in(data, key_field, f"{name}:{number}")
        except SourceInvalid as problem:
            on_problem(problem)
            continue
        first = False
        yield Line(key, text, number, end, data, name)


def _key_in(data: dict[str, Any], field: str, place: str) -> str | None:
    try:
        return key_of(data[field], field)
    except ValueError as error:
        raise SourceInvalid(f"{place}: {error}.") from None


def _check_size(raw: bytes, body: bytes, place: str) -> None:
    if len(raw) > MAX_LINE_BYTES:
        whole = raw.endswith(b"\n")
        raise SourceInvalid(f"{place}: {too_large(len(raw), exact=whole)}")
    if len(body) > MAX_RECORD_BYTES:
        raise SourceInvalid(f"{place}: {too_large(len(body))}")


def _read_slowly(raw: bytes, body: bytes, place: str, first: bool) -> tuple[str, Any]:
    """What the fast parser refused: odd but JSON, or wrong, and then why. `first`: no record has
    been read before it, so this may be no JSON Lines at all."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        hint = binary_hint(raw) if first else ""
        at = raw.index(body) + error.start
        problem = f"not UTF-8: byte 0x{raw[at]:02x} (byte {at + 1} of the line)"
        raise SourceInvalid(f"{place}: {problem}. {hint or _REMEDY}") from None
    try:
        return text, parse(text, column=1 + raw.index(body))
    except NotJson as error:
        if first and error.unfinished and text[0] in "[{":
            where = "--format json" if text[0] == "[" else "--pointer where its array of records is"
            raise SourceInvalid(
                f"{place}: this looks like one JSON value over several lines. {_REMEDY} "
                f"Or read one document with {where}."
            ) from None
        raise SourceInvalid(f"{place}: {error}. {_REMEDY}") from None
    except ValueError as error:
        raise SourceInvalid(f"{place}: {error}. {_REMEDY}") from None
