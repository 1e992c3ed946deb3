"""How fast a batch went, in bounded memory."""

from __future__ import annotations

import pytest

from fanfold.cli.history import History
from fanfold.domain.tally import Counts
from tests.unit.cli.sights import status


def seen(history: History, seconds: float, settled: int) -> None:
    history.see(status(seconds, Counts(total=1_000_000, succeeded=settled)))


def test_each_step_has_its_own_speed() -> None:
    history = History()
    for seconds, settled in [(10.0, 5), (10.4, 7), (11.0, 15), (13.0, 15), (14.0, 16)]:
        seen(history, seconds, settled)

    assert history.rates == (10.0, 0.0, 1.0)
    assert history.watched == 4.0


def test_of_one_moment_there_is_no_speed() -> None:
    history = History()
    seen(history, 1.0, 100)

    assert (history.rates, history.watched) == ((), 0.0)
    assert (History().rates, History().watched) == ((), 0.0)


def test_a_day_is_remembered_in_as_little_room_as_a_minute() -> None:
    history = History()
    for second in range(86_400):
        seen(history, float(second), 3 * second)

    assert 50 < len(history.rates) <= 120
    assert set(history.rates) == {3.0}, "nothing of it is lost"
    assert history.watched == pytest.approx(86_400, rel=0.02)


def test_what_was_long_ago_keeps_its_share_of_the_room() -> None:
    history = History()
    for second in range(10_000):
        seen(history, float(second), 2 * second if second < 5000 else 6 * second - 20_000)

    slow = sum(it == 2.0 for it in history.rates)
    assert slow / len(history.rates) == pytest.approx(0.5, abs=0.05)


def test_a_retry_that_takes_settled_runs_back_is_no_speed_backwards() -> None:
    history = History()
    for seconds, settled in [(0.0, 100), (1.0, 40), (2.0, 50)]:
        seen(history, seconds, settled)

    assert history.rates == (0.0, 10.0)
