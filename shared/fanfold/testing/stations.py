"""What lies at the stations, for tests that look at messages instead of sending workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import (
    BatchRequestMessage,
    FanOutMessage,
    FinalizationMessage,
    PageMessage,
    RunMessage,
)
from fanfold.domain.messages import decode_fan_out as _decode
from fanfold.domain.run import Run
from fanfold.execution.library import Library
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.fan_out import fan_out, publish_page
from fanfold.steps.finalize import Flows, finalize
from fanfold.steps.policy import Policy
from fanfold.wiring import EMBEDDED


def taken(ports: Ports, station: Station) -> list[Delivery]:
    """All that lies there, and it lies there no more."""
    found: list[Delivery] = []
    while deliveries := ports.queue.pull(station, 500):
        ports.queue.ack(deliveries)
        found += deliveries
    return found


def runs_taken(ports: Ports) -> list[RunMessage]:
    return [RunMessage.decode(it.body) for it in taken(ports, Station.RUNS)]


def fan_outs_taken(ports: Ports) -> list[FanOutMessage | PageMessage]:
    found = [_decode(it.body) for it in taken(ports, Station.FAN_OUT)]
    return [it for it in found if not isinstance(it, BatchRequestMessage)]


def finalizations_taken(ports: Ports) -> list[FinalizationMessage]:
    found = taken(ports, Station.FINALIZATIONS)
    return [FinalizationMessage.decode(it.body) for it in found]


def after(pages: int) -> Callable[[], bool]:
    """For a fan-out: out of time when it has asked so often, which it does for each page."""
    asked = count(1)
    return lambda: next(asked) >= pages


def fanned_out(ports: Ports, batch: Batch) -> Batch:
    """Sealed, with a message for each record that may run."""
    message = FanOutMessage(batch_id=batch.id, generation=batch.generation)
    fan_out(ports, message, lambda: False)
    for it in fan_outs_taken(ports):
        if isinstance(it, PageMessage):
            publish_page(ports, it)
    return ports.batches.get(batch.id)


def finished(ports: Ports, batch: Batch, runs: Sequence[Run], flows: Flows | None = None) -> Batch:
    """With these runs settled, finalized; it must end."""
    ports.runs.settle(batch, runs)
    return finalized(ports, batch, flows)


def finalized(
    ports: Ports, batch: Batch, flows: Flows | None = None, policy: Policy = EMBEDDED
) -> Batch:
    message = FinalizationMessage(batch_id=batch.id, generation=batch.generation)
    finalize(ports, policy, flows or Library(), message)
    ended = ports.batches.get(batch.id)
    assert ended.ended, f"it is {BatchState(ended.state)}"
    return ended
