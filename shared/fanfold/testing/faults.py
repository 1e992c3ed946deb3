"""A real engine in which chosen calls go wrong: for tests of what a crash leaves behind.

    with_faults(ports, [Fault("runs", "settle", when="after", nth=2, act=die)])

The process dies, the reply is lost, a message is published twice, at exactly that call. Everything
else is the engine as it is.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal, cast

from fanfold.domain.priority import Priority
from fanfold.errors import EngineError
from fanfold.ports import (
    Batches,
    Blobs,
    Events,
    Flows,
    Frontier,
    Leases,
    Letters,
    Ports,
    Queue,
    Runs,
    Station,
)


def die() -> None:
    """The process ends here, as by a power cut: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose_reply() -> None:
    """What was asked for is done (or not), but the caller does not learn it."""
    raise EngineError("the reply was lost")


@dataclass(slots=True)
class Fault:
    port: str
    verb: str
    when: Literal["before", "after"]
    act: Callable[[], None]
    #: at which call of the verb
    nth: int = 1
    #: only calls whose first argument is this count
    station: Station | None = None
    #: only advances that a record's message makes, and not somebody who passes by
    of_record: bool = False
    calls: int = field(default=0, init=False)

    def concerns(self, port: str, verb: str, arguments: Sequence[Any]) -> bool:
        if (port, verb) != (self.port, self.verb):
            return False
        if self.of_record:
            return arguments[2] is not None
        return self.station is None or (bool(arguments) and arguments[0] is self.station)


def with_faults(ports: Ports, faults: Sequence[Fault]) -> Ports:
    lock = Lock()
    return replace(
        ports,
        queue=cast(Queue, _Faulty("queue", ports.queue, faults, lock)),
        batches=cast(Batches, _Faulty("batches", ports.batches, faults, lock)),
        runs=cast(Runs, _Faulty("runs", ports.runs, faults, lock)),
        leases=cast(Leases, _Faulty("leases", ports.leases, faults, lock)),
        frontier=cast(Frontier, _Faulty("frontier", ports.frontier, faults, lock)),
        letters=cast(Letters, _Faulty("letters", ports.letters, faults, lock)),
        flows=cast(Flows, _Faulty("flows", ports.flows, faults, lock)),
        events=cast(Events, _Faulty("events", ports.events, faults, lock)),
        blobs=cast(Blobs, _Faulty("blobs", ports.blobs, faults, lock)),
    )


class _Faulty:
    def __init__(self, name: str, port: Any, faults: Sequence[Fault], lock: Lock) -> None:
        self._name = name
        self._port = port
        self._faults = faults
        self._lock = lock

    def __getattr__(self, verb: str) -> Any:
        real = getattr(self._port, verb)
        if not callable(real):
            return real

        def call(*arguments: Any, **named: Any) -> Any:
            struck = []
            with self._lock:
                for fault in self._faults:
                    if fault.concerns(self._name, verb, arguments):
                        fault.calls += 1
                        if fault.calls == fault.nth:
                            struck.append(fault)
            for fault in struck:
                if fault.when == "before":
                    fault.act()
            answer = real(*arguments, **named)
            for fault in struck:
                if fault.when == "after":
                    fault.act()
            return answer

        return call


def publishing_twice(ports: Ports) -> Ports:
    """Every message is published twice: duplicate deliveries of everything."""

    class Twice(_Faulty):
        def publish(
            self,
            station: Station,
            batch_id: str,
            bodies: Sequence[bytes],
            priority: Priority = Priority.NORMAL,
        ) -> None:
            self._port.publish(station, batch_id, [*bodies, *bodies], priority)

    return replace(ports, queue=cast(Queue, Twice("queue", ports.queue, [], Lock())))
