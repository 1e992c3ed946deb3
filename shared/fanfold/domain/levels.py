"""Levels: the priority of single records within their batch, 9 is dispatched first, 0 last.

Not to be confused with the class of a batch (domain.priority), which is compared with that of other
batches. A record's level is what the batch's `priority_field` names in it.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress
from random import Random
from typing import Any

from fanfold.domain import order
from fanfold.domain.batch import Batch
from fanfold.domain.place import NoSuchPlace, value_at
from fanfold.errors import IllegalTransition

HIGHEST = 9
LOWEST = 0
_DIGITS = frozenset(str(it) for it in range(LOWEST, HIGHEST + 1))


def level_of(data: Any, field: str) -> int:
    """Raises ValueError for what is no level; a record without the field has the lowest. A digit
    as text is one: in a CSV there is nothing else."""
    try:
        value = value_at(data, field)
    except NoSuchPlace:
        return LOWEST
    if type(value) is int and LOWEST <= value <= HIGHEST:
        return value
    if isinstance(value, str) and value in _DIGITS:
        return int(value)
    raise ValueError(
        f"the priority in {field!r} is {_shown(value)}, and must be a whole number from "
        f"{LOWEST} to {HIGHEST}. Mend it, leave it out for {LOWEST}, or name another field with "
        "--priority-field"
    )


def by_level(indexes: Sequence[int], levels: bytes) -> Iterator[int]:
    """The highest level first; within one as they are. `levels`: of each of the indexes."""
    for level in range(HIGHEST, LOWEST - 1, -1):
        if level in levels:
            yield from compress(indexes, levels.translate(_MASKS[level]))


def arranged(batch: Batch, levels: bytes) -> Iterator[int]:
    """The dispatch order of a sealed batch."""
    total = len(levels)
    if not batch.options.shuffle:
        return by_level(range(total), levels)
    block = order.block_size(total, batch.checkpoint.pages)
    shuffled = array("I", _shuffled(total, block, batch.options.seed or 0))
    return by_level(shuffled, bytes(levels[index] for index in shuffled))


def take_order(batch: Batch, name: str, generation: int) -> Batch:
    """The order of a sealed batch, for good: of several that were made, the first one's."""
    if batch.generation != generation or not batch.is_open:
        raise IllegalTransition(f"{batch.id} is {batch.state}: it takes no order any more")
    return batch if batch.order else replace(batch, order=name)


def _shuffled(total: int, block: int, seed: int) -> Iterator[int]:
    """In blocks and stretches, as domain.order has them, so that what is published together lies
    together. But it is kept, need not be computed from the middle, and so is drawn: in a tenth
    of the time, which a leg of the fan-out must have for all records at once."""
    chance = Random(f"levels {seed}")
    starts = list(range(0, total, block))
    chance.shuffle(starts)
    for number in range(0, len(starts), order.STRETCH_BLOCKS):
        stretch: list[int] = []
        for start in starts[number : number + order.STRETCH_BLOCKS]:
            stretch += range(start, min(start + block, total))
        chance.shuffle(stretch)
        yield from stretch


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


_MAX_SHOWN = 60
#: by level, what makes of levels a mask of those that are it
_MASKS = [bytes(it == level for it in range(256)) for level in range(HIGHEST + 1)]
