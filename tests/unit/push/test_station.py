"""Functions' stations: an HTTP status for every push, and only once its message is done with."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.outcome import Succeeded, Value
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Delivery, Station
from fanfold.push.station import DeskStation, RunStation
from fanfold.testing.home import Home
from fanfold.wiring import EMBEDDED

ECHO = "fanfold.flows.echo:echo"
PUPPET = "fanfold.testing.puppet:puppet"


class Functions:
    """The stations over one engine, and what carries messages to them as Pub/Sub's push would."""

    def __init__(self, home: Home, loop: asyncio.AbstractEventLoop) -> None:
        self.home = home
        self._loop = loop
        library = Library()
        self._desks = {
            station: DeskStation(home.ports, EMBEDDED, library, station)
            for station in Station
            if station is not Station.RUNS
        }
        self._runs = RunStation(home.ports, EMBEDDED, library, Isolation(), threads=8)

    def handle(self, station: Station, body: bytes) -> int:
        """In the thread of the request, or in the server's loop."""
        if station is not Station.RUNS:
            return self._desks[station].handle("application/json", body)
        handled = self._runs.handle("application/json", body)
        return asyncio.run_coroutine_threadsafe(handled, self._loop).result()

    def push(self, delivery: Delivery) -> int:
        body = {
            "message": {
                "data": b64encode(delivery.body).decode(),
                "messageId": delivery.message_id,
                "attributes": {
                    "fanfold_station": str(delivery.origin or ""),
                    "traceparent": delivery.trace,
                },
            },
            "subscription": "s",
            "deliveryAttempt": delivery.attempt,
        }
        status = self.handle(delivery.station, json.dumps(body).encode())
        queue = self.home.ports.queue
        (queue.ack if status < 300 else queue.release)([delivery])
        return status

    def deliver_all(self) -> list[int]:
        """Push whatever lies in the queue until nothing does, eight at a time."""
        statuses: list[int] = []
        queue = self.home.ports.queue
        with ThreadPoolExecutor(8) as pool:
            while deliveries := [it for name in Station for it in queue.pull(name, 100)]:
                statuses += pool.map(self.push, deliveries)
        return statuses


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """As of a server."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def functions(tmp_path: Path) -> Iterator[Functions]:
    with embedded_engine(tmp_path) as ports, running_loop() as loop:
        yield Functions(Home(tmp_path, ports), loop)


def create(functions: Functions, records: list[Any], **options: Any) -> Batch:
    return functions.home.create(records, ECHO, **options)


@pytest.mark.parametrize("concurrency", [None, 5])
def test_a_batch_goes_through_the_functions_alone(
    functions: Functions, concurrency: int | None
) -> None:
    batch = create(functions, [{"n": n} for n in range(120)], concurrency=concurrency)
    assert set(functions.deliver_all()) == {204}
    functions.home.assert_whole(batch, 120)


def test_a_push_says_whose_work_it_is_and_what_its_settling_lets_go_says_so_too(
    functions: Functions,
) -> None:
    """The embedded queue carries no attributes: they are put there as Pub/Sub would."""
    whose = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    batch = functions.home.create([{"do": "trace"}] * 2, PUPPET, concurrency=1)
    for it in functions.home.ports.queue.pull(Station.FAN_OUT, 1):
        functions.push(replace(it, trace=whose))
    (first,) = functions.home.ports.queue.pull(Station.RUNS, 10)
    assert functions.push(replace(first, trace=whose)) == 204
    ports = functions.home.ports
    (run,) = ports.runs.read(batch.id, [0]).values()
    assert run.outcome == Succeeded(Value(f'"{whose}"'))


def test_requests_of_a_batch_with_a_rate_are_answered_in_its_turns(functions: Functions) -> None:
    batch = create(functions, [{"n": n} for n in range(30)], rate="60/s")
    assert set(functions.deliver_all()) == {204}
    functions.home.assert_whole(batch, 30)
    runs = functions.home.ports.runs.read(batch.id, range(30)).values()
    begun = sorted(run.started_at for run in runs)
    for number, at in enumerate(begun):
        assert at >= batch.created_at + number / 60 - 0.002


def test_no_request_waits_long_for_a_turn(functions: Functions) -> None:
    """It would break off: its record is queued again, to be published when its turn is near."""
    batch = create(functions, [{"n": n} for n in range(5)], rate="1/min")
    assert set(functions.deliver_all()) == {204}
    counts = functions.home.status(batch).counts
    assert (counts.succeeded, counts.queued) == (1, 4)
    assert len(functions.home.ports.leases.lives(batch.id, range(5))) == 4


def test_concurrent_requests_settle_together(functions: Functions) -> None:
    batch = create(functions, [{"n": n} for n in range(64)])
    functions.deliver_all()
    functions.home.assert_whole(batch, 64)
    assert functions.home.status(batch).tally.attempts == 64


@pytest.mark.parametrize("station", list(Station))
def test_what_is_malformed_is_answered_as_done_and_kept_as_a_dead_letter(
    functions: Functions, station: Station
) -> None:
    status = functions.handle(station, b'{"message": {}}')
    assert status == 204, "anything else would have it sent again for ever"
    (letter,) = functions.home.ports.queue.pull(Station.DEAD_LETTERS, 10)
    assert (letter.body, letter.origin) == (b'{"message": {}}', station)


def test_a_message_that_cannot_be_decoded_ends_in_the_dead_letters(functions: Functions) -> None:
    functions.home.ports.queue.publish(Station.RUNS, "b", [b'{"v": 99}'])
    assert functions.deliver_all() == [204, 204]  # the run, then its dead letter
    (letter,) = functions.home.ports.letters.find()
    assert (letter.body, letter.origin) == (b'{"v": 99}', Station.RUNS)


def test_a_message_of_an_unknown_batch_is_done_with(functions: Functions) -> None:
    body = b'{"v":1,"batch_id":"batch-aaaaaaaaaaaaaaaa","index":0}'
    functions.home.ports.queue.publish(Station.RUNS, "b", [body])
    assert functions.deliver_all() == [204]


def test_publishing_the_documented_message_starts_a_batch(functions: Functions) -> None:
    message = {
        "v": 1,
        "flow": "echo",
        "records": [{"id": "a"}, {"id": "b"}, 3],
        "concurrency": 2,
        "label": "from outside",
    }
    functions.home.ports.queue.publish(Station.FAN_OUT, "", [json.dumps(message).encode()])
    functions.deliver_all()
    (batch,) = functions.home.ports.batches.find()
    assert (batch.options.label, batch.options.concurrency) == ("from outside", 2)
    functions.home.assert_whole(batch, 3)


def test_a_redelivered_request_starts_nothing_new(functions: Functions) -> None:
    queue = functions.home.ports.queue
    body = json.dumps({"v": 1, "flow": "echo", "records": [1]}).encode()
    queue.publish(Station.FAN_OUT, "", [body])
    (delivery,) = queue.pull(Station.FAN_OUT, 1)
    assert functions.push(delivery) == 204
    assert functions.push(delivery) == 204
    assert len(functions.home.ports.batches.find()) == 1


def test_a_request_id_makes_two_messages_one_request(functions: Functions) -> None:
    body = json.dumps({"v": 1, "flow": "echo", "records": [1], "request_id": "r1"}).encode()
    functions.home.ports.queue.publish(Station.FAN_OUT, "", [body, body])
    functions.deliver_all()
    (batch,) = functions.home.ports.batches.find()
    assert batch.state is BatchState.COMPLETED


@pytest.mark.parametrize(
    "request_message",
    [
        {"v": 2, "flow": "echo", "records": []},
        {"v": 1, "flow": "echo", "records": [], "concurency": 3},
        {"v": 1, "flow": "echo"},
        {"v": 1, "flow": "/etc/passwd:x", "records": []},
        {"v": 1, "records": []},
        {"v": 1, "flow": "echo", "records": [], "concurrency": 0},
    ],
)
def test_a_request_that_cannot_be_met_starts_nothing_and_is_kept(
    functions: Functions, request_message: dict[str, Any]
) -> None:
    queue = functions.home.ports.queue
    queue.publish(Station.FAN_OUT, "", [json.dumps(request_message).encode()])
    assert functions.deliver_all() == [204, 204]
    assert functions.home.ports.batches.find() == []
    (letter,) = functions.home.ports.letters.find()
    assert json.loads(letter.body) == request_message
