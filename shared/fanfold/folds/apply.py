"""Calling a flow's fold."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass
from typing import Any

from fanfold.errors import FlowInvalid
from fanfold.folds.result import Result


def apply_fold(fold: Callable[[Iterable[Any]], Any], results: Iterator[Result]) -> str:
    """What the fold makes of the results, as JSON text. What it raises is the caller's to count;
    FlowInvalid if what it returns cannot be kept."""
    value = fold(results)
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # or Python warns, long after, that it was never awaited
        raise FlowInvalid("the fold is async: a fold is a plain function of the results")
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise FlowInvalid(
            f"the fold returned a {type(value).__name__} that is not JSON: {error}. "
            "Return plain JSON data, a dataclass or a pydantic model"
        ) from error


def _plain(value: Any) -> Any:
    # Imported here: a fold's result that is plain data needs none of it.
    from pydantic import BaseModel
    from pydantic_core import to_jsonable_python

    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        return to_jsonable_python(value)
    if inspect.isgenerator(value):
        raise TypeError("it yields; it must return")
    raise TypeError(f"a {type(value).__name__} in it is not JSON")
