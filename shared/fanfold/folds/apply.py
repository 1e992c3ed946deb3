"""Calling a flow's fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fanfold.folds.as_json import as_json
from fanfold.folds.result import Result


def apply_fold(fold: Callable[[Iterable[Any]], Any], results: Iterator[Result]) -> str:
    """What the fold makes of the results, as JSON text. What it raises is the caller's to count;
    FlowInvalid if what it returns cannot be kept."""
    return as_json(fold(results))
