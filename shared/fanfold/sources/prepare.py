"""What the options of a batch make of its source, whichever face it comes from."""

from __future__ import annotations

from collections.abc import Iterator

from fanfold.domain.options import BatchOptions
from fanfold.sources.leveled import leveled
from fanfold.sources.line import Line, OnProblem, refuse
from fanfold.sources.select import selected


def prepared(
    lines: Iterator[Line], options: BatchOptions, on_problem: OnProblem = refuse
) -> Iterator[Line]:
    """The records as their flow gets them. Priority and key are looked for in the new record; keys
    are compared last, so that one of a record that is refused is not one that there is."""
    if options.select:
        lines = selected(lines, options.select, key_field=options.key, on_problem=on_problem)
    if options.priority_field is not None:
        lines = leveled(lines, options.priority_field, on_problem=on_problem)
    if options.unique_keys:
        from fanfold.sources.unique import unique  # SQLite, for those who ask for it

        lines = unique(lines, key_field=options.key, on_problem=on_problem)
    return lines
