"""The queue of requests: who waits for an answer hears it once, with those it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.ports import Ports, Station
from fanfold.push.handover import HandoverQueue


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    with embedded_engine(tmp_path) as ports:
        yield ports


Told = list[tuple[list[str], int]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def queue(ports: Ports, told: Told) -> HandoverQueue[str]:
    def tell(waiters: Sequence[str], status: int) -> None:
        told.append((list(waiters), status))

    return HandoverQueue(ports.queue, Station.RUNS, tell)


def test_what_is_acked_together_is_answered_together_and_once(
    queue: HandoverQueue[str], told: Told
) -> None:
    for waiter in "abc":
        queue.hand_over(waiter, waiter.encode(), 1)
    deliveries = queue.pull(Station.RUNS, 10)
    assert [it.body for it in deliveries] == [b"a", b"b", b"c"]
    queue.ack(deliveries[:2])
    queue.release(deliveries[2:])
    queue.ack(deliveries)
    assert told == [(["a", "b"], 204), (["c"], 503)]


def test_what_is_buried_is_done_with_and_kept(
    queue: HandoverQueue[str], told: Told, ports: Ports
) -> None:
    queue.hand_over("a", b"unreadable", 3)
    queue.bury(queue.pull(Station.RUNS, 1))
    assert told == [(["a"], 204)]
    (letter,) = ports.queue.pull(Station.DEAD_LETTERS, 1)
    assert (letter.body, letter.origin) == (b"unreadable", Station.RUNS)


def test_no_more_are_pulled_than_asked_for(queue: HandoverQueue[str]) -> None:
    for waiter in "abc":
        queue.hand_over(waiter, b"x", 1)
    assert [len(queue.pull(Station.RUNS, 2)) for _ in range(3)] == [2, 1, 0]
    assert queue.pull(Station.FAN_OUT, 2) == []
