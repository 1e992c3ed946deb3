"""Reading ahead: in order, no more at once than allowed, and none that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock

import pytest

from fanfold.folds.ahead import ahead


@pytest.mark.parametrize("number", [0, 1, 3, 50])
def test_answers_come_in_order(number: int) -> None:
    reads = [lambda n=n: n for n in range(20)]
    assert list(ahead(reads, number)) == list(range(20))


def test_so_many_are_under_way_while_the_first_is_worked_on() -> None:
    begun: list[int] = []
    lock, third = Lock(), Event()

    def read(n: int) -> Callable[[], int]:
        def answer() -> int:
            with lock:
                begun.append(n)
            if n == 3:
                third.set()
            return n

        return answer

    answers = ahead(map(read, range(10)), 3)
    assert next(answers) == 0
    assert third.wait(60)
    with lock:
        assert sorted(begun) == [0, 1, 2, 3]


def test_with_none_ahead_each_is_read_when_it_is_its_turn() -> None:
    begun: list[int] = []
    answers = ahead((lambda n=n: begun.append(n) for n in range(5)), 0)  # type: ignore[misc]
    next(answers)
    assert begun == [0]


def test_a_read_that_fails_fails_where_it_is_waited_for() -> None:
    def fails() -> int:
        raise OSError("gone")

    answers = ahead([lambda: 1, fails, lambda: 3], 2)
    assert next(answers) == 1
    with pytest.raises(OSError, match="gone"):
        next(answers)


def test_whoever_has_seen_enough_leaves_the_rest_unread() -> None:
    begun: list[int] = []
    answers = ahead((lambda n=n: begun.append(n) for n in range(100)), 2)  # type: ignore[misc]
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert len(begun) <= 3
