"""What a user's function returned, as JSON text: plain data, dataclasses, pydantic models."""

from __future__ import annotations

import inspect
import json
from dataclasses import is_dataclass
from typing import Any

from fanfold.errors import FlowInvalid


def as_json(value: Any, who: str = "the fold") -> str:
    """FlowInvalid, which names `who` returned it, if it cannot be kept."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # or Python warns, long after, that it was never awaited
        raise FlowInvalid(f"{who} is async: a fold is a plain function of the results")
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise FlowInvalid(
            f"{who} returned a {type(value).__name__} that is not JSON: {error}. "
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
