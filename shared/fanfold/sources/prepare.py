"""What the options of a batch make of its source, whichever face it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from fanfold.domain.options import BatchOptions
from fanfold.sources.line import Line, OnProblem, refuse
from fanfold.sources.select import selected


def prepared(
    lines: Iterator[Line], options: BatchOptions, on_problem: OnProblem = refuse
) -> Iterator[Line]:
    """The records as their flow gets them. The key is looked for in the new record, so keys are
    compared last."""
    if options.select:
        lines = selected(lines, options.select, key_field=options.key, on_problem=on_problem)
    if options.unique_keys:
        from fanfold.sources.unique import unique  # SQLite, for those who ask for it

        lines = unique(lines, key_field=options.key, on_problem=on_problem)
    return lines
