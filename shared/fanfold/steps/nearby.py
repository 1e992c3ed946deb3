"""Records from all over a batch, with what lies close together read at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fanfold.domain.records import MAX_PAGE_RECORDS, Record
from fanfold.ports import Ports


def records_at(ports: Ports, batch_id: str, indexes: Sequence[int]) -> dict[int, Record]:
    """Each of their pages is read once, and hardly any other."""
    found: dict[int, Record] = {}
    for group in _neighbours(sorted(indexes)):
        chosen = set(group)
        for record in ports.batches.records(batch_id, group[0], group[-1] + 1):
            if record.index in chosen:
                found[record.index] = record
    return found


def _neighbours(indexes: Sequence[int]) -> Iterator[list[int]]:
    """Cut where there may be a page between two of them: to read on costs a look-up for each."""
    group: list[int] = []
    for index in indexes:
        if group and index - group[-1] > MAX_PAGE_RECORDS:
            yield group
            group = []
        group.append(index)
    if group:
        yield group
