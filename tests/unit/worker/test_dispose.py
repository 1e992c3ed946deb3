"""What becomes of a message whose handling raised."""

from __future__ import annotations

import pytest

from fanfold.errors import BatchNotFound, EngineError, IllegalTransition, MessageInvalid
from fanfold.ports import MAX_DELIVERIES, Delivery, Ports, Station
from fanfold.worker.dispose import backoff, dispose

BATCH = "batch-aaaaaaaaaaaaaaaa"


@pytest.fixture
def delivery(ports: Ports) -> Delivery:
    ports.queue.publish(Station.RUNS, BATCH, [b"it"])
    (delivery,) = ports.queue.pull(Station.RUNS, 1)
    return delivery


def lies(ports: Ports) -> dict[Station, int | None]:
    counts = {station: ports.queue.backlog(station) for station in Station}
    return {station: count for station, count in counts.items() if count}


def test_what_nobody_can_decode_goes_to_the_dead_letters(ports: Ports, delivery: Delivery) -> None:
    dispose(ports.queue, delivery, MessageInvalid())
    assert lies(ports) == {Station.DEAD_LETTERS: 1}


@pytest.mark.parametrize("error", [BatchNotFound(), IllegalTransition()])
def test_what_nothing_can_be_done_for_any_more_is_done_with(
    ports: Ports, delivery: Delivery, error: Exception
) -> None:
    dispose(ports.queue, delivery, error)
    assert lies(ports) == {}


@pytest.mark.parametrize("error", [EngineError(), ZeroDivisionError("a bug of ours")])
def test_what_may_go_better_later_comes_again(
    ports: Ports, delivery: Delivery, error: Exception
) -> None:
    dispose(ports.queue, delivery, error)
    (again,) = ports.queue.pull(Station.RUNS, 1, wait=30.0)
    assert again.attempt == 2


def test_each_time_it_takes_longer_but_never_more_than_a_minute() -> None:
    waits = [
        backoff(Delivery(Station.RUNS, b"", attempt, "1")) for attempt in range(MAX_DELIVERIES + 1)
    ]
    assert waits == sorted(waits)
    assert 0 < waits[0] < 1
    assert waits[-1] == 60.0
