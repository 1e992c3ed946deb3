"""Fanfold: run a function on a hundred thousand inputs, each exactly once in effect.

These are the names a flow's author types. Importing them loads nothing heavy: what runs a batch is
loaded when it is asked for.
"""

import typing as _typing

from fanfold.domain.people import Access
from fanfold.errors import Fatal, Permanent, RateLimited, Retryable, RunCanceled
from fanfold.execution.context import Context
from fanfold.folds.result import Result
from fanfold.graphs.actions import action
from fanfold.graphs.flow import Flow
from fanfold.graphs.function import flow
from fanfold.graphs.graph import is_failed

if _typing.TYPE_CHECKING:
    from fanfold.notebook.run import resume_batch, run_batch, run_batch_async

__all__ = [
    "Access",
    "Context",
    "Fatal",
    "Flow",
    "Permanent",
    "RateLimited",
    "Result",
    "Retryable",
    "RunCanceled",
    "action",
    "flow",
    "is_failed",
    "resume_batch",
    "run_batch",
    "run_batch_async",
]

_HEAVY = ("resume_batch", "run_batch", "run_batch_async")


def __getattr__(name: str) -> _typing.Any:
    if name not in _HEAVY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fanfold.notebook import run

    return getattr(run, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HEAVY})
