"""What the embedded queue does beyond what every queue must."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.embedded.queue import LEASE_SECONDS
from fanfold.ports import Delivery, Ports, Station
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import new_batch
from fanfold.testing.working import until

BATCH = "batch-aaaaaaaaaaaaaaaa"


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def ports(home: Path, clock: StillClock) -> Iterator[Ports]:
    with embedded_engine(home, clock) as engine:
        yield engine


def bodies(deliveries: list[Delivery]) -> list[bytes]:
    return [it.body for it in deliveries]


def test_a_message_released_with_a_delay_comes_no_sooner(ports: Ports, clock: StillClock) -> None:
    ports.queue.publish(Station.RUNS, BATCH, [b"one"])
    ports.queue.release(ports.queue.pull(Station.RUNS, 1), delay=10.0)
    clock.pass_(9.9)
    assert ports.queue.pull(Station.RUNS, 1) == []
    clock.pass_(0.2)
    assert bodies(ports.queue.pull(Station.RUNS, 1)) == [b"one"]


def test_messages_come_about_in_the_order_they_were_published(
    ports: Ports, clock: StillClock
) -> None:
    for first in range(0, 40, 10):
        ports.queue.publish(Station.RUNS, BATCH, [b"%d" % n for n in range(first, first + 10)])
        clock.pass_(0.1)
    pulled = [it for _ in range(4) for it in bodies(ports.queue.pull(Station.RUNS, 10))]
    assert pulled == [b"%d" % n for n in range(40)]


def test_an_extended_lease_lasts_on(ports: Ports, clock: StillClock) -> None:
    ports.queue.publish(Station.RUNS, BATCH, [b"one"])
    held = ports.queue.pull(Station.RUNS, 1)
    for _ in range(5):
        clock.pass_(LEASE_SECONDS - 1)
        ports.queue.extend(held)
    clock.pass_(LEASE_SECONDS - 1)
    assert ports.queue.pull(Station.RUNS, 1) == []
    clock.pass_(2)
    assert bodies(ports.queue.pull(Station.RUNS, 1)) == [b"one"]


def test_extending_what_is_another_s_by_now_does_not_take_it_back(
    home: Path, ports: Ports, clock: StillClock
) -> None:
    ports.queue.publish(Station.RUNS, BATCH, [b"one"])
    mine = ports.queue.pull(Station.RUNS, 1)
    clock.pass_(LEASE_SECONDS + 1)
    with embedded_engine(home, clock) as other:
        theirs = other.queue.pull(Station.RUNS, 1)
        ports.queue.extend(mine)
        other.queue.release(theirs)
        assert bodies(ports.queue.pull(Station.RUNS, 1)) == [b"one"], "it was theirs to release"


def test_a_pull_that_waits_is_woken_by_what_is_published(ports: Ports) -> None:
    pulled: list[Delivery] = []
    waiting = Thread(target=lambda: pulled.extend(ports.queue.pull(Station.RUNS, 1, wait=60.0)))
    waiting.start()
    ports.queue.publish(Station.RUNS, BATCH, [b"one"])
    waiting.join(30)
    assert bodies(pulled) == [b"one"]


def test_a_pull_that_does_not_wait_returns_at_once(ports: Ports) -> None:
    begin = monotonic()
    assert ports.queue.pull(Station.RUNS, 1) == []
    assert monotonic() - begin < 10


def test_a_pull_that_waits_in_vain_returns_empty(ports: Ports) -> None:
    assert ports.queue.pull(Station.RUNS, 1, wait=0.05) == []


def test_publishing_acking_releasing_and_burying_nothing_do_no_harm(ports: Ports) -> None:
    ports.queue.publish(Station.RUNS, BATCH, [])
    ports.queue.ack([])
    ports.queue.release([])
    ports.queue.extend([])
    ports.queue.bury([])
    assert [ports.queue.backlog(station) for station in Station] == [0, 0, 0, 0]


def test_a_dead_letter_keeps_its_origin_and_is_not_buried_again(
    ports: Ports, clock: StillClock
) -> None:
    ports.queue.publish(Station.FAN_OUT, BATCH, [b"x"])
    ports.queue.bury(ports.queue.pull(Station.FAN_OUT, 1))
    for attempt in range(1, 50):
        (letter,) = ports.queue.pull(Station.DEAD_LETTERS, 1)
        assert (letter.origin, letter.attempt) == (Station.FAN_OUT, attempt)
        ports.queue.release([letter])
        clock.pass_(0.1)


def test_a_process_hears_what_another_publishes_while_it_waits(home: Path) -> None:
    with embedded_engine(home) as ports, embedded_engine(home) as other:
        batch = new_batch(ports)
        pulled: list[Delivery] = []
        waiting = Thread(target=lambda: pulled.extend(ports.queue.pull(Station.RUNS, 1, wait=60)))
        waiting.start()
        other.queue.publish(Station.RUNS, batch.id, [b"one"])
        until(lambda: pulled, patience=30)
        waiting.join()
