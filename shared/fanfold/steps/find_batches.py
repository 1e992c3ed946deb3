"""find_batches: those that are like this, the newest first, page by page.

A store finds batches by state and by kind. The rest is looked at here, batch by batch: whoever asks
may say after how many that is enough for one call, and goes on behind the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.lineage import ASKED_FOR, Kind
from fanfold.ports import Batches

_PAGE = 200
#: clocks of who creates batches may differ by so many seconds, and their order with them
_CLOCKS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    flow: str | None = None
    #: with this in it, in whatever case
    label: str | None = None
    #: all of them
    tags: frozenset[str] = frozenset()
    #: created then or later; created before then
    since: float | None = None
    until: float | None = None
    #: of these kinds; None: of all
    kinds: frozenset[Kind] | None = ASKED_FOR
    #: the children of this batch's runs, of whatever kind and state
    parent: str | None = None

    @property
    def is_any(self) -> bool:
        return self == Wanted(kinds=self.kinds, parent=self.parent)

    def has(self, batch: Batch) -> bool:
        label = batch.options.label or ""
        return (
            self.flow in (None, batch.flow.name)
            and (self.label is None or self.label.casefold() in label.casefold())
            and self.tags <= set(batch.options.tags)
            and (self.since is None or batch.created_at >= self.since)
            and (self.until is None or batch.created_at < self.until)
        )

    def ends_before(self, batch: Batch) -> bool:
        """Whether nothing behind this one can be wanted."""
        return self.since is not None and batch.created_at < self.since - _CLOCKS


@dataclass(frozen=True, slots=True)
class Found:
    batches: list[Batch]
    #: the last that was looked at, behind which there may be more; empty: that was all
    last: str


def find_batches(
    batches: Batches,
    wanted: Wanted,
    states: Collection[BatchState] | None,
    limit: int,
    *,
    before: str = "",
    also: Callable[[Batch], bool] = lambda _: True,
    look_at: int | None = None,
) -> Found:
    """At most `limit`, among the next `look_at` behind batch `before`."""
    found: list[Batch] = []
    looked_at = 0
    while look_at is None or looked_at < look_at:
        size = limit + 1 if wanted.is_any else _PAGE
        page = batches.find(states, size, before, wanted.kinds, wanted.parent)
        for batch in page:
            if len(found) == limit:
                return Found(found, before)
            if wanted.ends_before(batch):
                return Found(found, "")
            looked_at, before = looked_at + 1, batch.id
            is_so = states is None or batch.state in states  # of children all are found
            if is_so and wanted.has(batch) and also(batch):
                found.append(batch)
        if len(page) < size:
            return Found(found, "")
    return Found(found, before)
