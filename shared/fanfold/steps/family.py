"""family: the batches that a batch's runs have made of their items, and those of *their* runs.

What fails far below is seen from above: level by level, by the node whose items these are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from fanfold.domain.batch import Batch
from fanfold.domain.tally import Counts, Tally, conserve
from fanfold.ports import Ports
from fanfold.steps.all_pages import all_pages

_PAGE = 200


@dataclass(slots=True)
class Level:
    """All child batches of one node."""

    #: `node`, or `node/inner`
    part: str
    batches: Counter[str] = field(default_factory=Counter)
    counts: Counts = field(default_factory=Counts)
    #: the failures of all of them
    tally: Tally = field(default_factory=Tally)


def children_of(ports: Ports, batch_id: str) -> Iterator[Batch]:
    """The newest first; of the batch itself, not of its children."""
    return all_pages(lambda it: ports.batches.find(limit=_PAGE, before=it, parent=batch_id))


def family_of(ports: Ports, batch: Batch) -> list[Level]:
    """Those nearest to it first."""
    levels: dict[str, Level] = {}
    todo = [batch.id]
    while todo:
        for child in children_of(ports, todo.pop(0)):
            todo.append(child.id)
            level = levels.setdefault(child.flow.part, Level(child.flow.part))
            tally = child.closed or ports.runs.tally(child.id)
            level.batches[str(child.state)] += 1
            level.counts = _sum(level.counts, conserve(child.known_total, tally))
            level.tally = level.tally + tally
    return sorted(levels.values(), key=lambda it: it.part.count("/"))


def _sum(one: Counts, other: Counts) -> Counts:
    names = Counts.__dataclass_fields__
    return Counts(**{name: getattr(one, name) + getattr(other, name) for name in names})
