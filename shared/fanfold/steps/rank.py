"""rank: the dispatch order of a batch whose records have priorities of their own (domain.levels).

    sealed ─▶ read all records ─▶ write the order ─▶ take it (one amend) ─▶ dispatch

All levels must be known before the first record is let go. Each part of the records is one read,
and one blob of a byte for each: so many fan-outs may work at it, together or one after the other,
and each goes on behind what there is. Of what is only one part, nothing is kept in between.

| a crash here                     | what happens                                                 |
|----------------------------------|--------------------------------------------------------------|
| before a part is kept            | the redelivered message reads it again                       |
| between the order and the amend  | a blob nobody refers to; the next one writes its own         |
| before the parts are removed     | they go when the batch is pruned, as do those of who came    |
|                                  | late to a batch that had its order                           |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from fanfold.domain.batch import Batch
from fanfold.domain.levels import arranged, by_level, level_of, take_order
from fanfold.domain.options import BatchOptions
from fanfold.domain.records import Record
from fanfold.errors import BlobNotFound, IllegalTransition, SourceInvalid
from fanfold.ports import Ports
from fanfold.sources.line import parse
from fanfold.steps.dispatch import keep_order
from fanfold.steps.nearby import records_at

#: records of a part: a fraction of a second, or of a minute where each is as large as may be
PART = 25_000
_CHUNK = 500


def rank(ports: Ports, batch: Batch, out_of_time: Callable[[], bool]) -> Batch | None:
    """The batch with its order; None: it was out of time, and goes on where it was. Each call
    comes further."""
    total = batch.known_total
    levels = bytearray()
    worked = False
    for start in range(0, total, PART):
        part = _kept(ports, batch, start)
        if part is None:
            if worked and out_of_time():
                return None
            records = ports.batches.records(batch.id, start, min(start + PART, total))
            part = _levels_of(batch, records)
            if total > PART:
                ports.blobs.write(_part_name(batch, start), [part])
            worked = True
        levels += part
    if total > PART and worked and out_of_time():
        return None
    return _take(ports, batch, bytes(levels))


def ranked(ports: Ports, batch: Batch, options: BatchOptions, indexes: list[int]) -> Iterable[int]:
    """These records, the highest level first, and within one as they are."""
    if options.priority_field is None:
        return indexes
    levels = bytearray()
    for start in range(0, len(indexes), _CHUNK):
        chunk = indexes[start : start + _CHUNK]
        found = records_at(ports, batch.id, chunk)
        levels += _levels_of(batch, (found[index] for index in chunk))
    return by_level(indexes, bytes(levels))


def forget_parts(ports: Ports, batch: Batch) -> None:
    """What was kept on the way to the order."""
    if batch.options.priority_field is not None and batch.known_total > PART:
        for start in range(0, batch.known_total, PART):
            ports.blobs.delete(_part_name(batch, start))


def _take(ports: Ports, batch: Batch, levels: bytes) -> Batch:
    name = f"{batch.id}/order-{batch.generation}-{ports.ids.token()}"
    keep_order(ports, name, arranged(batch, levels))
    try:
        taken = ports.batches.amend(
            batch.id, partial(take_order, name=name, generation=batch.generation)
        )
    except IllegalTransition:  # it was stopped meanwhile
        ports.blobs.delete(name)
        raise
    if taken.order != name:  # another one was faster
        ports.blobs.delete(name)
    forget_parts(ports, taken)
    return taken


def _levels_of(batch: Batch, records: Iterable[Record]) -> bytes:
    field = batch.options.priority_field or ""
    levels = bytearray()
    for record in records:
        try:
            levels.append(level_of(parse(record.body), field))
        except ValueError as error:
            raise SourceInvalid(f"{batch.source.name}: record {record.index}: {error}.") from None
    return bytes(levels)


def _kept(ports: Ports, batch: Batch, start: int) -> bytes | None:
    if batch.known_total <= PART:
        return None
    try:
        return b"".join(ports.blobs.read(_part_name(batch, start)))
    except BlobNotFound:
        return None


def _part_name(batch: Batch, start: int) -> str:
    return f"{batch.id}/levels-{start}"
