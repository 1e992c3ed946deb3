"""Folds to choose from, and where results come from and go to.

    from fanfold.folds import count_by

    @flow(fold=count_by("label"))
    def classify(record): ...

The names below are loaded when they are asked for: every flow's module imports this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fanfold.folds.builtin import (
        collect,
        count_by,
        histogram,
        mean,
        merge,
        reduce,
        top,
        total,
        tree,
    )
    from fanfold.folds.exports.read import read_csv_export

__all__ = [
    "collect",
    "count_by",
    "histogram",
    "mean",
    "merge",
    "read_csv_export",
    "reduce",
    "top",
    "total",
    "tree",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "read_csv_export":
        from fanfold.folds.exports.read import read_csv_export

        return read_csv_export
    from fanfold.folds import builtin

    return getattr(builtin, name)
