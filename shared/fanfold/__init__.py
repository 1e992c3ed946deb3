"""Fanfold: run a function on a hundred thousand inputs, each exactly once in effect.

These are the names a flow's author types. Importing them loads nothing heavy.
"""

from fanfold.domain.flow import Flow, flow
from fanfold.errors import Fatal, Permanent, RateLimited, Retryable, RunCanceled
from fanfold.execution.context import Context
from fanfold.folds.result import Result

__all__ = [
    "Context",
    "Fatal",
    "Flow",
    "Permanent",
    "RateLimited",
    "Result",
    "Retryable",
    "RunCanceled",
    "flow",
]
