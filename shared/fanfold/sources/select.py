"""Rename and pick: a record made of places in the one that was read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fanfold.domain.place import NoSuchPlace, value_at
from fanfold.errors import SourceInvalid
from fanfold.sources.line import Line, OnProblem, body_of, field_key, refuse


def selected(
    lines: Iterable[Line],
    select: Mapping[str, str],
    *,
    key_field: str = "id",
    on_problem: OnProblem = refuse,
) -> Iterator[Line]:
    """`select` gives each new field its dotted place, such as `body.items.0.text`.

    The key is the new record's; one that was never in the record stays.
    """
    for line in lines:
        try:
            new = _remade(line, select, key_field)
        except SourceInvalid as problem:
            on_problem(problem)
            continue
        yield new


def _remade(line: Line, select: Mapping[str, str], key_field: str) -> Line:
    data = {name: _at(line, place) for name, place in select.items()}
    try:
        key = line.key if line.keyed else field_key(data, key_field)
        return replace(line, key=key, body=body_of(data), data=data)
    except ValueError as error:
        raise SourceInvalid(f"{line.place}: {error}.") from None


def _at(line: Line, place: str) -> Any:
    try:
        return value_at(line.data, place)
    except NoSuchPlace:
        there = _what_there_is(line.data)
        raise SourceInvalid(
            f"{line.place}: no {place!r} in the record{there}. Look at --select."
        ) from None


def _what_there_is(data: Any) -> str:
    if not isinstance(data, dict):
        return ", which is no object: . is the whole of it"
    names = ", ".join(repr(name) for name in list(data)[:8])
    return f", but {names}{', …' if len(data) > 8 else ''}" if names else ", which is empty"
