"""Records whose priority, if they have one, is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fanfold.domain.levels import level_of
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, OnProblem, refuse


def leveled(lines: Iterable[Line], field: str, *, on_problem: OnProblem = refuse) -> Iterator[Line]:
    """The lines, each with a level that the dispatch can go by (domain.levels)."""
    for line in lines:
        try:
            level_of(line.data, field)
        except ValueError as error:
            on_problem(SourceInvalid(f"{line.place}: {error}."))
            continue
        yield line
