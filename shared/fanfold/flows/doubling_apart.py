"""`fanfold.flows.doubling`, with its items as a batch of their own, over all workers there are."""

from __future__ import annotations

from fanfold import Flow
from fanfold.flows.doubling import double, one_record, start, total

apart = (
    Flow(
        "doubling-apart",
        title="Double each number in a batch of their own, and add them up",
        source=one_record,
        fold=total,
    )
    .node("start", start)
    .batch("double", double, distributed=True)
    .node("sum", sum)
    .edge("start", "double_scatter")
    .edge("double_gather", "sum")
)
