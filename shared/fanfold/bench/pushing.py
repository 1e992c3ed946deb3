"""A batch of a flow that does nothing, through the functions of a desk, beside an empty function.

Both are served by functions-framework, one process for each function, and pushed to by the same
pusher, out of subscriptions of the same emulators. The empty function's figure is what serving and
pushing cost alone; a record is read, run, written and counted besides, and certified and folded
with the others.

    with brought_up(settings) as up:
        empty = measure_empty(up, 5000)
        pushed = measure_pushed(up, 5000)
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fanfold.bench.batch import BenchFailed, measured, put_through
from fanfold.domain.priority import Priority
from fanfold.engines.google.resources import SUBSCRIPTIONS
from fanfold.local import functions, topics
from fanfold.local.addresses import free_port
from fanfold.local.guard import Guard
from fanfold.local.process import Process, end_all
from fanfold.local.pusher import Pusher, post_of
from fanfold.local.up import Up
from fanfold.ports import Queue, Station
from fanfold.settings import Settings
from fanfold.wiring import open_fanfold

#: the empty function that is served as `run_flow` is, and the one that is served as the others are
IN_LOOP, IN_THREADS = "empty_in_loop", "empty"
_EMPTY = Path(__file__).with_name("empty.py")
_LOOK_SECONDS = 0.05
_PUBLISH = 500
#: for anything that is waited for
_PATIENCE = 600.0
_GRACE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many, in so many seconds."""

    number: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.number / self.seconds


def measure_empty(up: Up, requests: int, function: str = IN_LOOP) -> Rate:
    """Of messages as a batch's are, from the first pull to the last ack."""
    prefix = f"empty-{secrets.token_hex(3)}-"
    apart = up.settings.model_copy(update={"prefix": prefix, "meter": None})
    topics.ensure_topics(apart)
    kind = (Station.RUNS, Priority.NORMAL)
    (subscription,) = [it for it in SUBSCRIPTIONS if (it.station, it.priority) == kind]
    with open_fanfold(apart) as fanfold, _served(function, apart) as url:
        queue = fanfold.ports.queue
        _fill(queue, requests)
        pusher = Pusher(queue, post_of(subscription, url, apart))
        begun = time.perf_counter()
        pusher.start()
        try:
            _until(lambda: pusher.acked >= requests, "the empty function is not done")
            return Rate(requests, time.perf_counter() - begun)
        finally:
            pusher.close()
            pusher.join()


def measure_pushed(up: Up, records: int) -> Rate:
    """From a batch's start to its end: fan-out, runs, certificate and fold; not its creation."""
    with open_fanfold(up.settings.model_copy(update={"meter": None})) as fanfold:
        status = put_through(fanfold, records, lambda _: None, up.tend)
        return Rate(records, measured(fanfold, status.batch, records).seconds)


def _fill(queue: Queue, messages: int) -> None:
    head = b'{"v":1,"batch_id":"batch-aaaaaaaaaaaaaaaa","generation":1,"index":'
    bodies = [b'%b%d,"record":{"data":{"n":%d}}}' % (head, n, n) for n in range(messages)]
    for start in range(0, messages, _PUBLISH):
        queue.publish(Station.RUNS, "", bodies[start : start + _PUBLISH])


@contextmanager
def _served(function: str, settings: Settings) -> Iterator[str]:
    """Where."""
    port = free_port()
    with Guard() as guard:  # ends it also when this process is killed
        process = Process(
            function,
            functions.command_of(function, _EMPTY, port),
            settings.home / "logs" / f"{function}.log",
            guard=guard,
            env=functions.environment_of("run_flow", settings),
        )
        process.start()
        try:
            _until(lambda: functions.is_ready(port), f"{function} does not answer: {process.log}")
            yield f"http://127.0.0.1:{port}/"
        finally:
            end_all([process], _GRACE_SECONDS)


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise BenchFailed(otherwise)
        time.sleep(_LOOK_SECONDS)
