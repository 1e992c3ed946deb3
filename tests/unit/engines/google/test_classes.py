"""Which class is asked for, and how often, while time stands still but for what is waited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from fanfold.domain.priority import Priority
from fanfold.engines.google.classes import LOOK_SECONDS, Classes

HIGH, NORMAL, LOW = Priority
#: what a pull takes
REQUEST = 0.01


class Desk:
    """Three subscriptions, and somebody who pulls."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lying: Counter[Priority] = Counter()
        self.asked: Counter[Priority] = Counter()
        #: what is published at a time
        self.to_come: list[tuple[float, Priority]] = []
        self._classes = Classes(self._ask, lambda: self.now)

    def _ask(self, it: Priority, limit: int, wait: float | None) -> list[Priority]:
        self.asked[it] += 1
        self.now += REQUEST
        until = self.now + (wait or 0.0)
        while True:
            for at, published in [each for each in self.to_come if each[0] <= self.now]:
                self.to_come.remove((at, published))
                self.lying[published] += 1
            if self.lying[it] or self.now >= until:
                break
            self.now = min([until, *(at for at, _ in self.to_come)])
        found = min(limit, self.lying[it])
        self.lying[it] -= found
        return [it] * found

    def pull(self, wait: float = 1.0) -> Priority | None:
        priority, received = self._classes.pull(1, wait)
        assert set(received) <= {priority}
        return priority if received else None

    def pull_until(self, condition: Callable[[], bool]) -> list[Priority | None]:
        pulled = []
        while not condition():
            pulled.append(self.pull())
        return pulled


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_high_comes_before_normal_and_normal_before_low(desk: Desk) -> None:
    desk.lying.update({LOW: 2, NORMAL: 2, HIGH: 2})
    assert [desk.pull() for _ in range(6)] == [HIGH, HIGH, NORMAL, NORMAL, LOW, LOW]


def test_without_a_wait_each_is_asked(desk: Desk) -> None:
    assert desk.pull(0.0) is None
    desk.lying.update([LOW])
    assert desk.pull(0.0) is LOW
    desk.lying.update([LOW, HIGH])
    assert desk.pull(0.0) is HIGH


def test_classes_that_are_not_used_cost_no_request_per_pull(desk: Desk) -> None:
    desk.lying[NORMAL] = 10_000
    end = desk.now + 100 * LOOK_SECONDS
    pulled = desk.pull_until(lambda: desk.now >= end)
    assert set(pulled) == {NORMAL}
    assert desk.asked[HIGH] <= 105
    assert desk.asked[LOW] == 0


@pytest.mark.parametrize("busy_with", [NORMAL, LOW, None])
def test_a_high_batch_is_noticed_within_half_a_second(
    desk: Desk, busy_with: Priority | None
) -> None:
    if busy_with is not None:
        desk.lying[busy_with] = 10_000
    later = desk.now + 100
    desk.pull_until(lambda: desk.now >= later)
    desk.to_come.append((desk.now + 0.1, HIGH))
    at = desk.now + 0.1
    pulled = desk.pull_until(lambda: desk.lying[HIGH] == 0 and not desk.to_come)
    assert pulled[-1] is HIGH
    assert desk.now <= at + LOOK_SECONDS + 5 * REQUEST


def test_a_normal_batch_is_noticed_within_half_a_second_of_low_ones(desk: Desk) -> None:
    desk.lying[LOW] = 10_000
    later = desk.now + 100
    desk.pull_until(lambda: desk.now >= later)
    asked = desk.asked[NORMAL]
    assert asked <= 205, "it costs no request per pull"
    desk.lying[NORMAL] = 3
    at = desk.now
    desk.pull_until(lambda: desk.lying[NORMAL] == 2)
    assert desk.now <= at + LOOK_SECONDS + 5 * REQUEST
    assert [desk.pull() for _ in range(3)] == [NORMAL, NORMAL, LOW]


def test_a_low_batch_is_noticed_within_half_a_second_where_there_is_nothing_else(
    desk: Desk,
) -> None:
    later = desk.now + 100
    desk.pull_until(lambda: desk.now >= later)
    at = desk.now + 0.1
    desk.to_come.append((at, LOW))
    pulled = desk.pull_until(lambda: desk.lying[LOW] == 0 and not desk.to_come)
    assert pulled[-1] is LOW
    assert desk.now <= at + LOOK_SECONDS + 5 * REQUEST


def test_who_waits_for_nothing_asks_seven_times_a_second(desk: Desk) -> None:
    end = desk.now + 100
    assert set(desk.pull_until(lambda: desk.now >= end)) == {None}
    assert desk.asked.total() <= 700


def test_a_class_that_was_just_used_is_looked_at_soon_again(desk: Desk) -> None:
    """A batch with a concurrency limit publishes the next record when one is done."""
    desk.lying[NORMAL] = 10_000
    desk.lying[HIGH] = 1
    assert desk.pull() is HIGH
    assert desk.pull() is NORMAL
    at = desk.now
    desk.lying[HIGH] = 1
    desk.pull_until(lambda: desk.lying[HIGH] == 0)
    assert desk.now <= at + LOOK_SECONDS / 5
