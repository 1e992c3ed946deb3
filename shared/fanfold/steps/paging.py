"""The pages of a batch's source, from its checkpoint on, in constant memory.

Which records are kept and how often each runs (domain.order) is settled here, where they get their
indexes. A checkpoint lies behind a source's record, or before it while some of its combinations are
in pages already: how many follows from how many records there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import partial

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.domain.order import combinations, sample_of
from fanfold.domain.paging import have_read, is_read_late
from fanfold.domain.records import Page, pages_of
from fanfold.domain.source import Checkpoint, advance_checkpoint
from fanfold.errors import BlobNotFound, Contended, SourceInvalid
from fanfold.ports import Ports
from fanfold.sources.copy import Copied, read_copy


def pages_behind(ports: Ports, batch: Batch) -> Iterator[tuple[Page, Checkpoint]]:
    """Each with the checkpoint behind it."""
    checkpoint = batch.checkpoint
    ends: deque[tuple[int, int]] = deque()
    keeps = sample_of(batch.options, batch.source.records)
    times = combinations(batch.options)

    def records(lines: Iterator[Copied]) -> Iterator[tuple[str | None, str]]:
        before = checkpoint.offset, checkpoint.line
        done = checkpoint.records % times
        for key, body, number, end in lines:
            if keeps is None or keeps(number - 1):
                for _ in range(done, times - 1):
                    ends.append(before)
                    yield key, body
                ends.append((end, number))
                yield key, body
                done = 0
            before = end, number

    lines = read_copy(
        ports.blobs.read(batch.source.blob, checkpoint.offset),
        name=batch.source.name,
        offset=checkpoint.offset,
        line=checkpoint.line,
    )
    for page in pages_of(batch.id, checkpoint.pages, checkpoint.records, records(lines)):
        behind = [ends.popleft() for _ in page.records]
        end, number = behind[-1]
        checkpoint = advance_checkpoint(
            checkpoint, len(page.records), end, number - checkpoint.line
        )
        yield page, checkpoint


def read_late(ports: Ports, batch: Batch) -> Batch:
    """The rest of the source of a batch that has ended and is cut short, which stays ended. It may
    be repeated, and done by several at once. What cannot be read leaves the batch cut short."""
    while is_read_late(batch):
        before = batch.checkpoint
        try:
            for page, after in pages_behind(ports, batch):
                ports.batches.append(page, before, after)
                before = after
            batch = ports.batches.amend(batch.id, partial(have_read, checkpoint=before))
        except Contended:  # another one reads it too, or has opened it already
            batch = ports.batches.get(batch.id)
        except (SourceInvalid, BlobNotFound) as problem:
            log.warning("retry.source", str(problem), batch_id=batch.id)
            return ports.batches.get(batch.id)
    return batch
