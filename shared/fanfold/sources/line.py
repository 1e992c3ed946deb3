"""One record as it comes out of a source, and the two questions every source asks of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Any, NoReturn

from pydantic_core import from_json

from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid

#: A key is looked up by; no store indexes more than this.
MAX_KEY_BYTES = 1500
#: Deeper JSON would be read here and refused further on, where a message wraps it.
MAX_DEPTH = 200


#: Is told what is wrong with a record. If it returns, the reading goes on behind that record.
OnProblem = Callable[[SourceInvalid], None]


def refuse(problem: SourceInvalid) -> None:
    """The first wrong record refuses its source."""
    raise problem


@dataclass(frozen=True, slots=True)
class Line:
    key: str | None
    #: the record's JSON text, without a line end
    body: str
    #: counted from 1, blank lines too; 0 where the source has no lines
    number: int
    #: the bytes of the source up to and with this line; 0 where it has none
    end: int
    #: the body, parsed
    data: Any
    #: what the user named
    source: str
    #: the key was given to the record, and is not in it
    keyed: bool = False

    @property
    def place(self) -> str:
        return f"{self.source}:{self.number}" if self.number else self.source


def parse(text: str, column: int = 1) -> Any:
    """JSON, strictly: no NaN, no Infinity. Raises ValueError in words for the source's author;
    `column` is where in its line the text begins."""
    try:
        return from_json(text, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        return _parse_slowly(text, column)


def _parse_slowly(text: str, column: int) -> Any:
    """The standard library's parser knows the column, and takes half a surrogate pair, which is
    odd but JSON; it is the one that parses the record for its flow."""
    try:
        data = _DECODER.decode(text)
    except JSONDecodeError as error:
        raise NotJson(error, column) from None
    except _NoConstant:
        raise
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except ValueError:  # the interpreter's limit on a number's digits
        raise ValueError("a number in it has too many digits; write it as text") from None
    if _is_deeper(data, MAX_DEPTH):
        raise ValueError(_TOO_DEEP)
    return data


class NotJson(ValueError):
    """The text is no JSON value."""

    def __init__(self, error: JSONDecodeError, column: int) -> None:
        super().__init__(f"not JSON: {error.msg} (column {error.pos + column})")
        #: it is fine as far as it goes: the value may go on in the next line
        self.unfinished = error.pos >= len(error.doc)


def key_of(value: Any, field: str) -> str | None:
    """The key that a record's `field` holds: text or a whole number; nothing else names a record.
    Raises ValueError for a key that no store could look up."""
    if isinstance(value, int) and not isinstance(value, bool):
        key = str(value)
    elif isinstance(value, str):
        key = value
    else:
        return None
    if key.isascii() and len(key) <= MAX_KEY_BYTES:
        return key
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        problem = "holds half a surrogate pair"
    else:
        if size <= MAX_KEY_BYTES:
            return key
        problem = f"has {size:,} bytes; a key has at most {MAX_KEY_BYTES:,}"
    raise ValueError(f"the key in {field!r} {problem}. Name another field with --key")


def field_key(data: Any, field: str) -> str | None:
    """The key of a record: what its `field` holds, if it has one. Raises ValueError."""
    return key_of(data[field], field) if isinstance(data, dict) and field in data else None


def body_of(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    """A record's JSON text. Raises TypeError or ValueError for what cannot be one."""
    body = json.dumps(value, allow_nan=False, ensure_ascii=False, default=default)
    try:
        check_size(body)
    except UnicodeEncodeError:  # half a surrogate pair: as an escape it can be stored
        body = json.dumps(value, allow_nan=False, default=default)
        check_size(body)
    return body


def check_size(body: str) -> None:
    size = len(body) if body.isascii() else len(body.encode())
    if size > MAX_RECORD_BYTES:
        raise ValueError(too_large(size).rstrip("."))


def too_large(size: int, exact: bool = True) -> str:
    return (
        f"the record has {'' if exact else 'more than '}{size:,} bytes; a record has at most "
        f"{MAX_RECORD_BYTES:,}. Put what is large into a file and its path into the record."
    )


class _NoConstant(ValueError):
    pass


def _no_constant(name: str) -> NoReturn:
    raise _NoConstant(f"not JSON: {name} is no JSON value; write null")


_DECODER = JSONDecoder(parse_constant=_no_constant)
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def _is_deeper(data: Any, levels: int) -> bool:
    """Level by level, so that this itself cannot run too deep."""
    layer = [data]
    for _ in range(levels):
        layer = [
            child
            for it in layer
            if isinstance(it, list | dict)
            for child in (it.values() if isinstance(it, dict) else it)
        ]
        if not layer:
            return False
    return True
