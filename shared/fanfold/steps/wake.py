"""Waking runs: what waited and is due is queued again and published.

A run waits until a time, for an answer, or for its items. All three are one thing here: a due time,
which is far off until the answer or the items' end brings it near.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.following import waits
from fanfold.domain.run import Live, RunState
from fanfold.ports import Ports
from fanfold.steps.advance import advance, publish_indexes
from fanfold.steps.policy import Policy

#: when nothing but somebody's answer makes it due: the year 10000
NEVER = 253_402_300_800.0


def wake_due(ports: Ports, policy: Policy, batch: Batch) -> int:
    """Publish what waited and is due, and what lost its lease. Cheap: done every second or so."""
    if stands_still(batch):
        return 0
    now = ports.clock.now()
    woken = ports.leases.wake(batch, now, now + policy.lease_seconds, policy.sweep_limit)
    publish_indexes(ports, batch, [live.index for live in woken])
    return len(woken) + advance(ports, batch, None)


def make_due(ports: Ports, batch: Batch, index: int) -> bool:
    """If it waits in this generation; whoever looks next wakes it."""
    now = ports.clock.now()
    live = ports.leases.amend(batch.id, index, partial(due, generation=batch.generation, now=now))
    return live is not None and live.state is RunState.WAITING and live.until <= now


def due(live: Live, *, generation: int, now: float) -> Live:
    if live.state is not RunState.WAITING or live.generation != generation or live.until <= now:
        return live
    return replace(live, until=now)


def stands_still(batch: Batch) -> bool:
    """Whether nothing of it is published before it is resumed, or before others have ended. With a
    concurrency limit what has been released goes on when it is paused."""
    is_paused = batch.state is BatchState.PAUSED and batch.options.concurrency is None
    return is_paused or waits(batch)
