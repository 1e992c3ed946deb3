"""Which records a batch takes, in which order they are dispatched, with which parameters they run.

All of it is computed from the options, the seed and an index, and none of it is stored: a batch of
a million, shuffled, sampled and with a parameter grid, costs no memory and any process can tell.

*Sampling.* With `max_records=k` and `shuffle`, record i of n is kept where a seeded bijection of
[0, n) takes it below k: exactly k, each record as likely as any other.

*The grid.* Each kept record is there once for each combination, next to one another: index
`record * combinations + combination`. So a run's parameters follow from its index.

*Shuffling* permutes dispatch alone; indexes, and with them results, keep the source's order. It
must not make a reader jump from page to page for each record, so it is done in two steps, each a
bijection: blocks of about a page are laid in a random order; then each stretch of 64 blocks is
shuffled through and through.

    indexes    |  block 0  |  block 1  |  block 2  |  …  | last (shorter)
    laid       |  block 7  |  block 2  |  last  |  block 0  |  …
    positions  |  64 blocks, shuffled           |  64 blocks, shuffled  |  …
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

from fanfold.domain.batch import Batch
from fanfold.domain.options import BatchOptions
from fanfold.domain.permutation import Permutation
from fanfold.domain.records import MAX_PAGE_RECORDS

#: blocks that are shuffled together, and read together: about 32 MiB at most
STRETCH_BLOCKS = 64


def combinations(options: BatchOptions) -> int:
    """How often each record runs."""
    return prod(len(values) for values in options.grid.values())


def combination_of(options: BatchOptions, index: int) -> dict[str, Any] | None:
    """The grid's values for this run; None where there is no grid. The last name varies first."""
    if not options.grid:
        return None
    chosen: dict[str, Any] = {}
    rest = index
    for name, values in reversed(options.grid.items()):
        rest, number = divmod(rest, len(values))
        chosen[name] = values[number]
    return {name: chosen[name] for name in options.grid}


def parameters_of(options: BatchOptions, index: int) -> dict[str, Any]:
    """What the run of this record is given."""
    own = combination_of(options, index)
    return options.parameters if own is None else {**options.parameters, **own}


def sample_of(options: BatchOptions, records: int) -> Callable[[int], bool] | None:
    """Which of a source's records are kept; None: all that are there."""
    wanted = options.max_records
    if not options.shuffle or wanted is None or wanted >= records:
        return None
    permutation = Permutation(records, b"sample %d" % (options.seed or 0))
    return lambda number: permutation.of(number) < wanted


def is_dispatchable(batch: Batch) -> bool:
    """A shuffled batch has an order only once its total is known, one whose records have priorities
    once that is made (steps.rank), and a retry only once nothing is left of what its records came
    to before."""
    if batch.chosen is not None:
        return batch.chosen.cleared
    if batch.options.priority_field is not None:
        return batch.order != ""
    return batch.sealed or not batch.options.shuffle


def indexes_at(batch: Batch, positions: range) -> Sequence[int]:
    """The records at these positions of the dispatch order."""
    if not batch.options.shuffle:
        return positions
    order = _order(batch.options.seed or 0, batch.known_total, batch.checkpoint.pages)
    return [order.index_at(position) for position in positions]


def stretches(batch: Batch) -> Iterator[range]:
    """The positions of a shuffled batch, cut so that each part reads its pages once."""
    order = _order(batch.options.seed or 0, batch.known_total, batch.checkpoint.pages)
    for start in range(0, batch.known_total, order.stretch):
        yield range(start, min(start + order.stretch, batch.known_total))


def block_size(total: int, pages: int) -> int:
    """About a page's."""
    return max(1, min(MAX_PAGE_RECORDS, -(-total // max(1, pages))))


class _Order:
    def __init__(self, seed: int, total: int, pages: int) -> None:
        self._total = total
        self._seed = seed
        self._block = block_size(total, pages)
        self.stretch = self._block * STRETCH_BLOCKS
        blocks = -(-total // self._block)
        self._blocks = Permutation(blocks, b"blocks %d" % seed)
        #: where the shorter block is laid, and how long it is
        self._short = self._blocks.back(blocks - 1) * self._block if blocks else 0
        self._rest = total - (blocks - 1) * self._block
        self._stretches: dict[int, Permutation] = {}

    def index_at(self, position: int) -> int:
        number, within = divmod(position, self.stretch)
        start = number * self.stretch
        return self._laid_at(start + self._shuffled(number).of(within))

    def _shuffled(self, number: int) -> Permutation:
        known = self._stretches.get(number)
        if known is None:
            size = min(self.stretch, self._total - number * self.stretch)
            known = Permutation(size, b"stretch %d %d" % (self._seed, number))
            self._stretches = {number: known}  # they are asked for one after the other
        return known

    def _laid_at(self, place: int) -> int:
        behind = place - self._short
        if behind >= self._rest:  # behind the shorter one: as if that were whole
            place += self._block - self._rest
        number, within = divmod(place, self._block)
        return self._blocks.of(number) * self._block + within


@lru_cache(maxsize=16)
def _order(seed: int, total: int, pages: int) -> _Order:
    return _Order(seed, total, pages)
