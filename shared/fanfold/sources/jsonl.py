"""JSON Lines: one JSON value a line, read as a stream in constant memory.

Forgiving about what editors and systems do to a file (blank lines, carriage returns, a byte order
mark, no line end at the end), strict about each line being one JSON value. The first line that is
wrong is named, with the column and what to do; nothing of a source is taken on trust later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from pydantic_core import from_json

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, NotJson, key_of, parse, too_large

__all__ = ["Line", "read_lines"]

_BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
#: A line may be longer than its record by white space around it, within reason.
_MAX_LINE_BYTES = MAX_RECORD_BYTES + 4096

_REMEDY = "Each line must be one JSON value."
#: What a file that is no text begins with, and what to do about it.
_BINARY = {
    b"\x1f\x8b": "It is compressed with gzip: decompress it first.",
    b"PAR1": "It is a Parquet file: convert it to JSON Lines, one value per line.",
    b"PK\x03\x04": "It is a zip file or a spreadsheet: convert it to JSON Lines, one value a line.",
    b"\xff\xfe": "It is UTF-16: save it as UTF-8.",
    b"\xfe\xff": "It is UTF-16: save it as UTF-8.",
}


def read_lines(
    chunks: Iterable[bytes], *, name: str, key_field: str = "id", offset: int = 0, line: int = 0
) -> Iterator[Line]:
    """The records in `chunks`, which begin at byte `offset` of the source, after `line` lines.

    `name` is the source's name in errors. Going on from a line's `end` and `number` gives the
    lines behind it, numbered as if everything had been read.
    """
    number, end, first = line, offset, offset == 0
    for raw in _raw_lines(chunks):
        number += 1
        end += len(raw)
        if end == len(raw):
            raw = raw.removeprefix(_BOM)  # noqa: PLW2901
        body = raw.strip(_WHITE)
        if len(raw) > MAX_RECORD_BYTES:
            _check_size(raw, body, f"{name}:{number}")
        if not body:
            continue
        try:
            text = body.decode()
            data = from_json(text, allow_inf_nan=False, cache_strings="keys")
        except ValueError:
            text, data = _read_slowly(raw, body, f"{name}:{number}", first)
        key = None
        if type(data) is dict and key_field in data:
            try:
                key = key_of(data[key_field], key_field)
            except ValueError as error:
                raise SourceInvalid(f"{name}:{number}: {error}.") from None
        first = False
        yield Line(key, text, number, end, data, name)


def _raw_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their line ends. A line that is too long comes as far as it was read, and last."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if b"\n" in chunk:
            lines = BytesIO(b"".join(held)).readlines()
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
            yield from lines
            held, size = [rest], len(rest)
        if size > _MAX_LINE_BYTES:
            break
    if size:
        yield b"".join(held)


def _check_size(raw: bytes, body: bytes, place: str) -> None:
    if len(raw) > _MAX_LINE_BYTES:
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
        hints = [hint for magic, hint in _BINARY.items() if first and raw.startswith(magic)]
        at = raw.index(body) + error.start
        problem = f"not UTF-8: byte 0x{raw[at]:02x} (byte {at + 1} of the line)"
        raise SourceInvalid(f"{place}: {problem}. {hints[0] if hints else _REMEDY}") from None
    try:
        return text, parse(text, column=1 + raw.index(body))
    except NotJson as error:
        if first and error.unfinished and text[0] in "[{":
            kind, filter_ = ("array", ".[]") if text[0] == "[" else ("value", ".")
            raise SourceInvalid(
                f"{place}: this looks like one JSON {kind} over several lines. {_REMEDY} "
                f"`jq -c '{filter_}' FILE` makes it so."
            ) from None
        raise SourceInvalid(f"{place}: {error}. {_REMEDY}") from None
    except ValueError as error:
        raise SourceInvalid(f"{place}: {error}. {_REMEDY}") from None
