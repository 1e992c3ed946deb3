"""The copy of a source that every station reads: checked, and in one plain form.

A line is a record: its key as JSON (null where it has none), a tab, and its JSON text. No JSON text
holds a raw tab or line end. So whoever reads a copy need not parse what was parsed when it was
made, and a record has the key it was given, also where that is not in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

from fanfold.errors import SourceInvalid, UsageError
from fanfold.sources.line import Line, OnProblem, refuse
from fanfold.sources.raw_lines import raw_lines

#: The copy is handed on in pieces of about so many characters.
CHUNK = 64 * 1024


def spool(
    lines: Iterable[Line],
    check: Callable[[Any], None] | None = None,
    max_records: int | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_problem: OnProblem = refuse,
) -> Iterator[bytes]:
    """The records, a line each.

    `check` sees each record's data; a UsageError from it is a problem, which names the place.
    Nothing behind the first `max_records` is read: an endless source may be cut. `on_progress` is
    told now and then how many records there were so far, and at the end.
    """
    held: list[str] = []
    size = count = 0
    for line in islice(lines, max_records):
        if check is not None:
            try:
                check(line.data)
            except UsageError as error:
                problem = SourceInvalid(f"{line.place}: {error}")
                problem.__cause__ = error
                on_problem(problem)
                continue
        held.append(_text_of(line))
        count += 1
        size += len(line.body)
        if size >= CHUNK:
            yield _joined(held)
            held, size = [], 0
            if on_progress is not None:
                on_progress(count)
    if held:
        yield _joined(held)
    if on_progress is not None:
        on_progress(count)


class Copied(NamedTuple):
    key: str | None
    body: str
    #: counted from 1
    number: int
    #: the bytes of the copy up to and with this line
    end: int


def read_copy(
    chunks: Iterable[bytes], *, name: str, offset: int = 0, line: int = 0
) -> Iterator[Copied]:
    """The records in `chunks`, which begin at byte `offset` of the copy, after `line` lines."""
    number, end = line, offset
    for raw in raw_lines(chunks):
        number += 1
        end += len(raw)
        key, tab, body = raw.decode(errors="replace").partition("\t")
        if not tab or body[-1:] != "\n":
            raise SourceInvalid(f"the copy of {name} is damaged in line {number}")
        yield Copied(None if key == "null" else json.loads(key), body[:-1], number, end)


def _text_of(line: Line) -> str:
    key = "null" if line.key is None else json.dumps(line.key)
    return f"{key}\t{line.body}"


def _joined(bodies: list[str]) -> bytes:
    return ("\n".join(bodies) + "\n").encode()
