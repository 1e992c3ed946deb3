"""A flow's result as JSON text, or a sentence on why it cannot be."""

from __future__ import annotations

import json
import math
import re
from dataclasses import is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from json import encoder as json_encoder
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from fanfold.errors import UsageError

#: Whoever reads a result reads it recursively, perhaps from deep in a stack of its own.
MAX_DEPTH = 200

_SINGLE = (date, time, timedelta, Decimal, Enum, PurePath, UUID)
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])')


class OutputInvalid(UsageError):
    """What the flow returned cannot be stored. Return what JSON can hold, or a pydantic model."""


def to_json(value: Any) -> str:
    """Compact JSON. Not a number, no infinity: other readers refuse them."""
    try:
        text = _encoded(value)
    except RecursionError:
        raise _too_deep() from None
    except (TypeError, ValueError, PydanticSerializationError) as error:
        raise OutputInvalid(_reason(value, error)) from None
    # each level needs a bracket, so that counting them spares most texts the second look
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise _too_deep()
    return text


def _plain(value: Any) -> Any:
    """What json does not know: models and dataclasses, and single values with one obvious text.
    Not sets, whose order would change the result; not iterators, which would be used up."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", warnings=False)
    if isinstance(value, _SINGLE) or (is_dataclass(value) and not isinstance(value, type)):
        return to_jsonable_python(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_plain)
#: the encoder behind it, made once: JSONEncoder.encode makes one for each value, which
#: costs more than the values that flows return. It looks for no circles, and goes too deep instead.
_make_encoder = getattr(json_encoder, "c_make_encoder", None)
_text_of = json_encoder.encode_basestring_ascii
_quick = _make_encoder and _make_encoder(
    None, _plain, _text_of, None, ":", ",", False, False, False
)


def _encoded(value: Any) -> str:
    if type(value) is str:
        return _text_of(value)
    if _quick is not None:
        try:
            return "".join(_quick(value, 0))
        except RecursionError:  # or a circle, which is told as such
            pass
    return _ENCODER.encode(value)


def _too_deep() -> OutputInvalid:
    return OutputInvalid(f"output: nested deeper than {MAX_DEPTH} levels. Return it flatter.")


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        if match[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif match[2]:
            depth -= 1
    return deepest


def _reason(value: Any, error: Exception) -> str:
    path, culprit = _culprit(value)
    if isinstance(culprit, float):
        return f"{path}: {culprit} is not JSON. Return None for a number that is not known."
    if "Circular reference" in str(error):
        return f"{path}: it contains itself. Return a tree."
    return f"{path}: {str(error)[:500]}. Return what JSON can hold, or a pydantic model."


def _culprit(value: Any) -> tuple[str, Any]:
    """The path to the first value that cannot be encoded, and that value."""
    path, inside = "output", [id(value)]
    while True:
        parts: list[tuple[str, Any]] = []
        if isinstance(value, dict):
            parts = [(f"{path}.{key}"[:300], it) for key, it in value.items()]
        elif isinstance(value, list | tuple):
            parts = [(f"{path}[{number}]"[:300], it) for number, it in enumerate(value)]
        elif isinstance(value, BaseModel):
            parts = [(f"{path}.{key}"[:300], it) for key, it in value]
        broken = next((part for part in parts if not _encodes(part[1])), None)
        if broken is None or id(broken[1]) in inside:
            return broken or (path, value)
        path, value = broken
        inside.append(id(value))


def _encodes(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    try:
        _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError, PydanticSerializationError):
        return False
    return True
