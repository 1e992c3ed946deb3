"""check_source: read all of a source as a batch would, and store nothing.

It goes on behind a record that is wrong, wherever the source's format tells where the next begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fanfold.domain.options import BatchOptions
from fanfold.errors import SourceInvalid, UsageError
from fanfold.sources.line import Line, OnProblem
from fanfold.sources.prepare import prepared


@dataclass(frozen=True, slots=True)
class Checked:
    #: that were read, wrong ones too
    records: int
    problems: int


def check_source(
    lines: Callable[[OnProblem], Iterator[Line]],
    options: BatchOptions,
    check: Callable[[Any], None],
    on_problem: OnProblem,
) -> Checked:
    """`on_problem` is told each problem, in the order of the source."""
    good = problems = wrong = 0

    def told(problem: SourceInvalid) -> None:
        nonlocal wrong
        wrong += 1
        on_problem(problem)

    # Drawn from all of them, any may be taken: then all are looked at.
    limit = None if options.shuffle else options.max_records
    try:
        for line in islice(prepared(lines(told), options, told), limit):
            try:
                check(line.data)
                good += 1
            except UsageError as error:
                told(SourceInvalid(f"{line.place}: {error}"))
    except SourceInvalid as problem:  # nothing behind it can be read
        problems += 1
        on_problem(problem)
    return Checked(good + wrong, problems + wrong)
