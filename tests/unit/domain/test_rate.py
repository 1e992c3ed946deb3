"""Rates as people write them, and the turns they give."""

from __future__ import annotations

from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.rate import Turn, Turns, lateness, per_second, reserve


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("10/s", 10.0),
        ("600/min", 10.0),
        ("600/minute", 10.0),
        ("600 / m", 10.0),
        ("5000/h", 5000 / 3600),
        ("1/day", 1 / 86_400),
        ("0.5/sec", 0.5),
        ("100000/s", 100_000.0),
        ("90/Hour", 0.025),
    ],
)
def test_a_rate_is_read_in_the_unit_it_is_written_in(text: str, rate: float) -> None:
    assert per_second(text) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("many", "such as 10/s, 600/min, 5000/h"),
        ("10", "such as 10/s"),
        ("10/year", "such as 10/s"),
        ("-1/s", "such as 10/s"),
        ("1e3/s", "such as 10/s"),
        ("nan/s", "such as 10/s"),
        ("/s", "such as 10/s"),
        ("", "such as 10/s"),
        ("0/s", "pause it"),
        ("0.5/day", "at least 1/day"),
        ("100001/s", "leave it out"),
    ],
)
def test_what_is_no_rate_is_refused_with_the_way_out(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        per_second(text)


def test_the_first_turn_is_now_and_each_is_a_step_after_the_one_before() -> None:
    turns = reserve(None, wanted=3, step=0.5, ahead=10.0, now=100.0)
    assert [it.at for it in turns] == [100.0, 100.5, 101.0]
    assert [it.at for it in reserve(turns.last, 2, 0.5, 10.0, now=100.1)] == [101.5, 102.0]


def test_a_turn_that_nobody_took_is_not_made_up_for() -> None:
    assert [it.at for it in reserve(100.0, 2, 0.5, 10.0, now=500.0)] == [500.0, 500.5]


def test_turns_are_given_away_no_further_ahead_than_asked() -> None:
    turns = reserve(100.0, wanted=50, step=0.5, ahead=2.0, now=100.0)
    assert [it.at for it in turns] == [100.5, 101.0, 101.5, 102.0]
    assert turns.next == 102.5


def test_where_none_is_near_the_next_one_is_told() -> None:
    assert reserve(100.0, 5, step=3600.0, ahead=2.0, now=101.0) == Turns(3700.0, 3600.0, 0)


def test_another_rate_holds_from_the_last_turn_on() -> None:
    """A higher one does not wait for the step of the lower one, nor the other way round."""
    assert reserve(100.0, 1, step=0.1, ahead=2.0, now=100.0).first == pytest.approx(100.1)
    assert reserve(100.0, 1, step=60.0, ahead=100.0, now=100.0).first == pytest.approx(160.0)


def test_a_turn_is_good_for_a_moment_only() -> None:
    assert lateness(0.1) == 0.05
    assert lateness(60.0) == 6.0
    turn = Turn(100.0, 0.1)
    assert not turn.is_good(99.9)
    assert turn.is_good(100.0)
    assert turn.is_good(100.049)
    assert not turn.is_good(100.06)


#: somebody asks for so many turns after so much time; of those some die with all they have
ASKING = st.tuples(
    st.integers(min_value=1, max_value=40),
    st.floats(min_value=0.0, max_value=3.0),
    st.booleans(),
)


@given(
    st.sampled_from([0.2, 1.0, 7.0, 50.0, 1000.0]),
    st.sampled_from([0.0, 2.0, 5.0]),
    st.lists(ASKING, min_size=1, max_size=40),
    st.floats(min_value=0.0, max_value=1.0),
)
def test_whoever_asks_and_dies_no_stretch_of_time_holds_too_many_beginnings(
    rate: float, ahead: float, askings: list[tuple[int, float, bool]], late: float
) -> None:
    """Attempts begin as late in their turns as they may, or at once: all that is left open."""
    step, now, last = 1.0 / rate, 1_000_000.0, None
    turns: list[float] = []
    for wanted, later, dies in askings:
        now += later
        given_away = reserve(last, wanted, step, ahead, now)
        if given_away.count:
            last = given_away.last
            assert given_away.first >= now
            assert given_away.last <= now + ahead
        if not dies:
            turns += [it.at for it in given_away]
    slack = 1e-6
    for first, begin in enumerate(turns):
        for other in range(first, len(turns)):
            lasted = turns[other] - begin
            assert other - first + 1 <= floor(rate * (lasted + slack)) + 1
    begun = sorted(
        it + (lateness(step) * late if place % 2 == 0 else 0.0) for place, it in enumerate(turns)
    )
    for first, begin in enumerate(begun):
        for other in range(first, len(begun)):
            lasted = begun[other] - begin + lateness(step)
            assert other - first + 1 <= floor(rate * (lasted + slack)) + 1


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.5, 10.0, 200.0]),
            st.integers(1, 30),
            st.floats(min_value=0.0, max_value=1.0),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_while_the_rate_changes_no_two_turns_are_closer_than_the_later_one_s_step(
    askings: list[tuple[float, int, float]],
) -> None:
    now, last = 1_000_000.0, None
    for rate, wanted, later in askings:
        now += later
        turns = reserve(last, wanted, 1.0 / rate, 2.0, now)
        if turns.count:
            assert last is None or turns.first >= last + 1.0 / rate
            last = turns.last
