"""Records, and the pages they are stored in.

A record's data stays the JSON text it came as: it is checked once, at the source, and parsed again
only where the flow runs.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

#: A record travels inside its message up to this size, by reference beyond.
MAX_INLINE_BYTES = 64 * 1024
#: The largest record. A page holds at least one record and must fit in a document.
MAX_RECORD_BYTES = 512 * 1024
MAX_PAGE_RECORDS = 500
MAX_PAGE_BYTES = 512 * 1024
#: bytes, and the window that holds so many
_SMALL, _SMALL_WINDOW = 512, 9


@dataclass(slots=True, unsafe_hash=True)  # frozen in use: freezing it triples its price
class Record:
    #: its place among the batch's records, from 0
    index: int
    #: what its source calls it, if it has a name there; not necessarily unique
    key: str | None
    #: its data, as JSON text
    body: str

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Page:
    """A bounded slice of a batch's records, stored once."""

    batch_id: str
    number: int
    #: the index of its first record
    start: int
    records: tuple[Record, ...]

    @property
    def stop(self) -> int:
        return self.start + len(self.records)

    def packed(self) -> bytes:
        lines = [
            ("null" if record.key is None else json.dumps(record.key)) + "\t" + record.body
            for record in self.records
        ]
        text = "\n".join(lines).encode()
        # a window no larger than the page: to clear the largest takes longer than to pack a few
        return zlib.compress(text, 1, _SMALL_WINDOW if len(text) <= _SMALL else zlib.MAX_WBITS)


def unpack_records(start: int, packed: bytes) -> Iterator[Record]:
    """The records of a packed page. A key in JSON holds no raw tab, so the first one ends it; a
    body holds no raw line end, which the sources see to."""
    lines = zlib.decompress(packed).decode().split("\n")
    for index, line in enumerate(lines, start):
        key, _, body = line.partition("\t")
        yield Record(index, None if key == "null" else json.loads(key), body)


def pages_of(
    batch_id: str, number: int, start: int, records: Iterable[tuple[str | None, str]]
) -> Iterator[Page]:
    """Cut a stream of (key, body) into pages, from page `number` and index `start` on."""
    held: list[Record] = []
    size = 0
    for key, body in records:
        room = len(body if body.isascii() else body.encode()) + len(key or "")
        if held and (len(held) >= MAX_PAGE_RECORDS or size + room > MAX_PAGE_BYTES):
            yield Page(batch_id, number, start, tuple(held))
            number, start, held, size = number + 1, start + len(held), [], 0
        held.append(Record(start + len(held), key, body))
        size += room
    if held:
        yield Page(batch_id, number, start, tuple(held))
