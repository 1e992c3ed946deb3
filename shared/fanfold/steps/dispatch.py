"""The order in which a batch's records are let go, whether it is computed or kept.

The source's order, and a shuffled one, follow from the options (domain.order). That of a retry does
not, nor that of records which have priorities of their own: which records, and in which order, is
kept in a blob, four bytes for each, and read where it is needed. A position of the order means the
same however often it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from struct import pack

from fanfold.domain import order
from fanfold.domain.batch import Batch
from fanfold.ports import Blobs, Ports

_BYTES = 4
#: positions that are read, and kept in memory, together
_CHUNK = 4096
_KEPT = 16
#: positions that are written together
_WRITTEN = 16 * 1024
_STRETCH = 500
#: of an order that leaps, so that a page is not read for each of its records
_LONG_STRETCH = 4096


def indexes_at(ports: Ports, batch: Batch, positions: range) -> Sequence[int]:
    """The records at these positions."""
    if not batch.order:
        return order.indexes_at(batch, positions)
    found: list[int] = []
    for number in range(positions.start // _CHUNK, -(-positions.stop // _CHUNK)):
        start = number * _CHUNK
        low, high = max(positions.start - start, 0), positions.stop - start
        found += _chunk(ports.blobs, batch.order, number)[low:high]
    return found


def stretches(batch: Batch) -> Iterator[range]:
    """All positions, cut into parts that are published together."""
    if batch.options.shuffle and not batch.order:
        yield from order.stretches(batch)
        return
    leaps = batch.options.shuffle or batch.options.priority_field is not None
    size = _LONG_STRETCH if leaps else _STRETCH
    for start in range(0, batch.positions, size):
        yield range(start, min(start + size, batch.positions))


def keep_order(ports: Ports, name: str, indexes: Iterable[int]) -> str:
    """The blob's name."""
    ports.blobs.write(name, _packed(iter(indexes)))
    return name


def _packed(indexes: Iterator[int]) -> Iterator[bytes]:
    while chunk := list(islice(indexes, _WRITTEN)):
        yield pack(f"<{len(chunk)}I", *chunk)


@lru_cache(maxsize=_KEPT)
def _chunk(blobs: Blobs, name: str, number: int) -> Sequence[int]:
    """Kept, for a blob of this name never holds anything else."""
    wanted = _CHUNK * _BYTES
    data = bytearray()
    for part in blobs.read(name, number * wanted):
        data += part
        if len(data) >= wanted:
            break
    return [
        int.from_bytes(data[at : at + _BYTES], "little")
        for at in range(0, min(len(data), wanted), _BYTES)
    ]
