"""Ports of a simulated process: each call waits for its turn, and is seen by the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from fanfold.ports import Batches, Blobs, Flows, Frontier, Leases, Letters, Ports, Queue, Runs
from fanfold.testing.simulation.schedule import Schedule

#: told before a call, with its arguments
Before = Callable[..., object]
#: told after a call, with its answer and its arguments
After = Callable[..., object]


class Watch:
    """Who is to be told of which calls: `queue.ack`."""

    def __init__(self) -> None:
        self.before: dict[str, Before] = {}
        self.after: dict[str, After] = {}


class _Proxy:
    def __init__(self, name: str, port: Any, schedule: Schedule, watch: Watch) -> None:
        self._name = name
        self._port = port
        self._schedule = schedule
        self._watch = watch

    def __getattr__(self, verb: str) -> Any:
        real = getattr(self._port, verb)
        if not callable(real):
            return real
        call = self._watched(f"{self._name}.{verb}", real)
        setattr(self, verb, call)
        return call

    def _watched(self, what: str, real: Callable[..., Any]) -> Callable[..., Any]:
        schedule = self._schedule
        before, after = self._watch.before.get(what), self._watch.after.get(what)

        def seen(*arguments: Any, **named: Any) -> Any:
            if before is not None:
                before(*arguments)
            answer = real(*arguments, **named)
            if after is not None:
                after(answer, *arguments)
            return answer

        watched = real if before is after is None else seen

        def call(*arguments: Any, **named: Any) -> Any:
            schedule.turn()
            return schedule.call(what, watched, arguments, named)

        return call


def simulated(ports: Ports, schedule: Schedule, watch: Watch) -> Ports:
    """Clock and ids are no calls of an engine: they take no turn."""
    return replace(
        ports,
        queue=cast(Queue, _Proxy("queue", ports.queue, schedule, watch)),
        batches=cast(Batches, _Proxy("batches", ports.batches, schedule, watch)),
        runs=cast(Runs, _Proxy("runs", ports.runs, schedule, watch)),
        leases=cast(Leases, _Proxy("leases", ports.leases, schedule, watch)),
        frontier=cast(Frontier, _Proxy("frontier", ports.frontier, schedule, watch)),
        letters=cast(Letters, _Proxy("letters", ports.letters, schedule, watch)),
        flows=cast(Flows, _Proxy("flows", ports.flows, schedule, watch)),
        blobs=cast(Blobs, _Proxy("blobs", ports.blobs, schedule, watch)),
    )
