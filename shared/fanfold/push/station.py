"""A function's part: envelope in, HTTP status out.

`RunStation` is a whole worker behind the handover queue: concurrent requests of one instance share
its lanes and its group-committing settler. A request waits in the server's event loop, where that
costs no thread, and those whose results were committed together are answered together.
`DeskStation` serves each request in its own thread.

What cannot be read as an envelope goes to the dead letters as it is and is answered as done:
Pub/Sub would send it again for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from threading import Thread
from typing import Generic, TypeVar

from fanfold import log
from fanfold.errors import MessageInvalid
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import ORIGIN, Ports, Station
from fanfold.push.envelope import read_envelope
from fanfold.push.handover import AGAIN, DONE, HandoverQueue
from fanfold.steps.policy import Policy
from fanfold.trace import TRACEPARENT
from fanfold.worker.desk import Desk
from fanfold.worker.worker import Worker

W = TypeVar("W")


class _PushStation(Generic[W]):
    """`W` waits for a request's answer: 204 done, 503 deliver it again."""

    def __init__(
        self, ports: Ports, station: Station, answer: Callable[[Sequence[W], int], None]
    ) -> None:
        self._station = station
        self._handover = HandoverQueue(ports.queue, station, answer)
        self.ports = replace(ports, queue=self._handover)

    def _hand_over(self, waiter: W, content_type: str, body: bytes) -> None:
        """Raises MessageInvalid."""
        pushed = read_envelope(content_type, body)
        # what a message's identity falls back to is its own only within its subscription
        name = f"{pushed.subscription}/{pushed.message_id}" if pushed.message_id else ""
        origin = _origin_of(self._station, pushed.attributes)
        whose = pushed.attributes.get(TRACEPARENT, "")
        self._handover.hand_over(waiter, pushed.body, pushed.attempt, origin, name, whose)

    def _condemn(self, body: bytes, error: MessageInvalid) -> int:
        log.error("push.malformed", str(error), station=str(self._station))
        self.ports.queue.condemn(self._station, body)
        return DONE

    def _failed(self, error: Exception) -> int:
        """Whatever it was, the message must come again."""
        log.error("push.failed", f"{type(error).__name__}: {error}", station=str(self._station))
        return AGAIN


class RunStation(_PushStation["asyncio.Future[int]"]):
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        library: Library,
        isolation: Isolation,
        *,
        threads: int,
    ) -> None:
        super().__init__(ports, Station.RUNS, _answer_in_the_loop)
        worker = Worker(self.ports, policy, library, isolation, threads=threads, sweep_seconds=None)
        Thread(target=worker.run, name="fanfold-station", daemon=True).start()

    async def handle(self, content_type: str, body: bytes) -> int:
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        try:
            self._hand_over(answer, content_type, body)
        except MessageInvalid as error:
            return await asyncio.to_thread(self._condemn, body, error)
        except Exception as error:  # noqa: BLE001  see _failed
            return self._failed(error)
        return await answer


class DeskStation(_PushStation["Future[int]"]):
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        library: Library,
        station: Station,
    ) -> None:
        super().__init__(ports, station, _answer_at_once)
        self._desk = Desk(self.ports, policy, library)

    def handle(self, content_type: str, body: bytes) -> int:
        answer: Future[int] = Future()
        try:
            self._hand_over(answer, content_type, body)
            for delivery in self._handover.pull(self._station, 1):
                self._desk.serve(delivery)
        except MessageInvalid as error:
            return self._condemn(body, error)
        except Exception as error:  # noqa: BLE001  see _failed
            return self._failed(error)
        return answer.result()


def _answer_in_the_loop(answers: Sequence[asyncio.Future[int]], status: int) -> None:
    """The loop is woken once for all of them. There is one in a process: its server's."""
    with suppress(RuntimeError):  # it has ended, and with it the requests
        answers[0].get_loop().call_soon_threadsafe(_answer_waiting, answers, status)


def _answer_waiting(answers: Sequence[asyncio.Future[int]], status: int) -> None:
    for answer in answers:
        if not answer.done():  # a server that ends gives up what it waits for
            answer.set_result(status)


def _answer_at_once(answers: Sequence[Future[int]], status: int) -> None:
    for answer in answers:
        answer.set_result(status)


def _origin_of(station: Station, attributes: Mapping[str, str]) -> Station | None:
    if station is not Station.DEAD_LETTERS:
        return None
    name = attributes.get(ORIGIN)
    return Station(name) if name in set(Station) else None
