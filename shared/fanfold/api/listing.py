"""Lists of batches, and of runs: which ones, as far as one may see them, page by page."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from fanfold.api.asking import Asker
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.lineage import Kind
from fanfold.steps.find_batches import Wanted, find_batches

PAGE = 50
#: batches that one call looks through for those that are asked for
_LOOKED_AT = 1000
Limit = Annotated[int, Query(ge=1, le=200, description="at most so many")]
Before = Annotated[str | None, Query(max_length=40, description="behind this: from a Link header")]


class _Filter:
    def __init__(
        self,
        flow: Annotated[str | None, Query(max_length=100)] = None,
        label: Annotated[str | None, Query(max_length=200, description="with this in it")] = None,
        tag: Annotated[str | None, Query(max_length=100)] = None,
        since: Annotated[datetime | None, Query(description="created then or later")] = None,
        until: Annotated[datetime | None, Query(description="created before then")] = None,
    ) -> None:
        self._flow, self._label = flow, label
        self._tags = frozenset() if tag is None else frozenset({tag})
        self._since, self._until = _seconds(since), _seconds(until)

    def wanted(self, kind: Kind) -> Wanted:
        return Wanted(
            flow=self._flow,
            label=self._label,
            tags=self._tags,
            since=self._since,
            until=self._until,
            kinds=frozenset({kind}),
        )


#: what a list may be asked for
Filter = Annotated[_Filter, Depends()]


def listed(
    asker: Asker,
    wanted: Wanted,
    states: Collection[BatchState] | None,
    limit: int,
    *,
    before: str | None,
    also: Callable[[Batch], bool] = lambda _: True,
) -> tuple[list[Batch], str]:
    """Those one may see, and behind which there may be more (empty: that was all)."""
    found = find_batches(
        asker.fanfold.ports.batches,
        wanted,
        states,
        limit,
        before=before or "",
        also=lambda batch: asker.sees(batch) and also(batch),
        look_at=_LOOKED_AT,
    )
    return found.batches, found.last


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
