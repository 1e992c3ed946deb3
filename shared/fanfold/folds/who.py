"""A record as an error names it."""

from __future__ import annotations

from fanfold.folds.result import Result


def who(result: Result) -> str:
    name = f"record {result.index}"
    return name if result.key is None else f"{name} ({result.key})"
