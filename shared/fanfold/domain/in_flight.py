"""How many records of a batch are let out at once, where nobody says it and it must be bounded.

Without a limit all messages of a batch are out, and whoever gets one that cannot begin has to put
it aside, at two writes each. So a batch with a rate has a limit in any case: as many as can begin
in some seconds, unless the user names another number. Where runs take longer than that the rate is
reached with more.

A batch that may spend only so much has one, for what is in flight when that is spent is spent as
well. So has one with a canary, whose records are to be held back: one that nobody notices.
"""

from __future__ import annotations

from math import ceil

from fanfold.domain.options import BatchOptions
from fanfold.domain.rate import per_second

_SECONDS = 20.0
_LEAST, _MOST = 10, 1000
_UNDER_A_BUDGET, _BEHIND_A_CANARY = 100, 10_000


def concurrency_of(options: BatchOptions) -> int | None:
    """None: no limit."""
    if options.concurrency is not None:
        return options.concurrency
    if options.rate is not None:
        return max(_LEAST, min(_MOST, ceil(_SECONDS * per_second(options.rate))))
    if options.max_spend is not None:
        return _UNDER_A_BUDGET
    return None if options.canary is None else _BEHIND_A_CANARY


def threads_worth(options: BatchOptions) -> int | None:
    """How many may be of use for it, where somebody wants that many at work; None: as many as there
    are usually, for a limit that nobody named is none to be reached."""
    came_of_it = concurrency_of(options.model_copy(update={"concurrency": None}))
    if options.rate is None and options.concurrency in (None, came_of_it):
        return None
    return concurrency_of(options)


def with_limit(options: BatchOptions) -> BatchOptions:
    """As they are stored."""
    concurrency = concurrency_of(options)
    if concurrency == options.concurrency:
        return options
    return options.model_copy(update={"concurrency": concurrency})


def adapted(before: BatchOptions, after: BatchOptions) -> BatchOptions:
    """A limit that came of the rate follows it; one that somebody else named stays."""
    if before.rate is None or after.rate is None or after.concurrency != before.concurrency:
        return after
    came_of_it = concurrency_of(before.model_copy(update={"concurrency": None}))
    if before.concurrency != came_of_it:
        return after
    return with_limit(after.model_copy(update={"concurrency": None}))
