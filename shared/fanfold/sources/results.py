"""The results of another batch as records: `batch:ID`.

Who can read batches hands them in: sources know no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, OnProblem, check_size, field_key, parse, refuse

PREFIX = "batch:"


@dataclass(frozen=True, slots=True)
class Results:
    #: with the batch's whole id
    name: str
    #: which results these are: a retry makes others
    version: str
    #: index, key and JSON text of each that succeeded
    items: Callable[[], Iterator[tuple[int, str | None, str]]]


def from_results(
    results: Results, *, key_field: str = "id", on_problem: OnProblem = refuse
) -> Iterator[Line]:
    """Keys are kept; a result without one has that which is in it."""
    for index, key, text in results.items():
        place = f"{results.name}: record {index}"
        try:
            data = parse(text)
            check_size(text)
            own = field_key(data, key_field) if key is None else key
        except ValueError as error:
            on_problem(SourceInvalid(f"{place}: {error}."))
            continue
        yield Line(own, text, 0, 0, data, place, key is not None)
