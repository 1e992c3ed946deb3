"""The copy of a source that every station reads: checked, and in one plain form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from fanfold.errors import SourceInvalid, UsageError
from fanfold.sources.line import Line

#: The copy is handed on in pieces of about so many characters.
CHUNK = 64 * 1024


def spool(
    lines: Iterable[Line],
    check: Callable[[Any], None] | None = None,
    max_records: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[bytes]:
    """The records as JSON Lines without blank lines, marks or carriage returns at line ends.

    `check` sees each record's data; a UsageError from it refuses the source, naming the place.
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
                raise SourceInvalid(f"{line.place}: record {count}: {error}") from error
        held.append(line.body)
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


def _joined(bodies: list[str]) -> bytes:
    return ("\n".join(bodies) + "\n").encode()
