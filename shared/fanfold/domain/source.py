"""Where a batch's records come from, and how far reading them has come."""

from __future__ import annotations

from dataclasses import dataclass

from fanfold.domain.digest import digest_of


@dataclass(frozen=True, slots=True)
class Source:
    """Where the records are, as any station can read them."""

    #: the name of the copy in Blobs
    blob: str
    #: what the user named, for people to read
    name: str
    #: which version of it was copied, in its store's words; empty where there are none
    version: str = ""
    #: how many records the copy holds
    records: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the fan-out has come. Advances with each page, in the page's own commit."""

    pages: int = 0
    records: int = 0
    #: bytes and lines of the source behind it
    offset: int = 0
    line: int = 0
    digest: int = 0
    #: the index the last page starts at
    last_page: int = 0


def advance_checkpoint(before: Checkpoint, records: int, offset: int, lines: int) -> Checkpoint:
    """The checkpoint after a page of `records` records that ends at `offset`."""
    stop_at = before.records + records
    return Checkpoint(
        pages=before.pages + 1,
        records=stop_at,
        offset=offset,
        line=before.line + lines,
        digest=before.digest + digest_of(before.records, stop_at),
        last_page=before.records,
    )
