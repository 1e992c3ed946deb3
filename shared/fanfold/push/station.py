"""A function's part: envelope in, HTTP status out.

`RunStation` is a whole worker behind the handover queue: concurrent requests of one instance share
its lanes and its group-committing settler. `DeskStation` serves each request in its own thread.

What cannot be read as an envelope goes to the dead letters as it is and is answered as done:
Pub/Sub would send it again for ever.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from threading import Thread

from fanfold import log
from fanfold.errors import MessageInvalid
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import ORIGIN, Ports, Station
from fanfold.push.envelope import Pushed, read_envelope
from fanfold.push.handover import AGAIN, DONE, HandoverQueue
from fanfold.steps.policy import Policy
from fanfold.worker.desk import Desk
from fanfold.worker.worker import Worker


class PushStation(ABC):
    def __init__(self, ports: Ports, station: Station) -> None:
        self._station = station
        self._handover = HandoverQueue(ports.queue, station)
        self.ports = replace(ports, queue=self._handover)

    def handle(self, content_type: str, body: bytes) -> int:
        """The HTTP status: 204 done, 503 deliver it again."""
        try:
            pushed = read_envelope(content_type, body)
        except MessageInvalid as error:
            log.error("push.malformed", str(error), station=str(self._station))
            self.ports.queue.condemn(self._station, body)
            return DONE
        try:
            return self._serve(pushed)
        except Exception as error:  # noqa: BLE001  whatever it was, the message must come again
            log.error("push.failed", f"{type(error).__name__}: {error}", station=str(self._station))
            return AGAIN

    @abstractmethod
    def _serve(self, pushed: Pushed) -> int: ...

    def _hand_over(self, pushed: Pushed) -> Future[int]:
        # what a message's identity falls back to is its own only within its subscription
        name = f"{pushed.subscription}/{pushed.message_id}" if pushed.message_id else ""
        origin = _origin_of(self._station, pushed.attributes)
        return self._handover.hand_over(pushed.body, pushed.attempt, origin, name)


class RunStation(PushStation):
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        library: Library,
        isolation: Isolation,
        *,
        threads: int,
    ) -> None:
        super().__init__(ports, Station.RUNS)
        worker = Worker(self.ports, policy, library, isolation, threads=threads, sweep_seconds=None)
        Thread(target=worker.run, name="fanfold-station", daemon=True).start()

    def _serve(self, pushed: Pushed) -> int:
        return self._hand_over(pushed).result()


class DeskStation(PushStation):
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        library: Library,
        station: Station,
    ) -> None:
        super().__init__(ports, station)
        self._desk = Desk(self.ports, policy, library)

    def _serve(self, pushed: Pushed) -> int:
        answer = self._hand_over(pushed)
        for delivery in self._handover.pull(self._station, 1):
            self._desk.serve(delivery)
        return answer.result()


def _origin_of(station: Station, attributes: Mapping[str, str]) -> Station | None:
    name = attributes.get(ORIGIN)
    if station is not Station.DEAD_LETTERS or name not in set(Station):
        return None
    return Station(name)
