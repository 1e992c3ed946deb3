"""How long outcomes gather, and how many a commit takes: by the policy, and by what commits say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.steps.gathering import Gathering
from fanfold.steps.policy import Policy

POLICY = Policy(group=100, group_most=400, gather_seconds=0.005, gather_share=0.1)


def ran(gathering: Gathering, seconds: float) -> None:
    for _ in range(200):
        gathering.ran(seconds, 1)


def test_outcomes_of_long_runs_wait_as_long_as_the_policy_says() -> None:
    gathering = Gathering(POLICY)
    ran(gathering, 10.0)
    assert gathering.gather_seconds == 0.005


def test_outcomes_of_quick_runs_wait_for_a_share_of_their_own_time_only() -> None:
    gathering = Gathering(POLICY)
    ran(gathering, 0.01)
    assert gathering.gather_seconds == pytest.approx(0.001, rel=0.01)


def test_where_a_commit_costs_money_they_wait_for_company_however_quick_they_were() -> None:
    gathering = Gathering(replace(POLICY, gather_least=0.02))
    assert gathering.gather_seconds == 0.02
    assert not gathering.waits_for_none


def test_a_commit_that_was_repeated_makes_the_next_wait_longer_up_to_a_second() -> None:
    gathering = Gathering(POLICY)
    waits = []
    for _ in range(12):
        gathering.committed(10, 0.01, repeats=1)
        waits.append(gathering.gather_seconds)
    assert waits == sorted(waits)
    assert waits[1] == 2 * waits[0]
    assert waits[-1] == 1.0
    assert not gathering.waits_for_none


def test_a_commit_that_is_slow_makes_the_next_wait_longer_too() -> None:
    gathering = Gathering(POLICY)
    gathering.committed(10, 0.6, repeats=0)
    assert gathering.is_forced


def test_when_commits_go_well_again_they_wait_less_and_less_until_it_is_as_before() -> None:
    gathering = Gathering(POLICY)
    ran(gathering, 10.0)
    gathering.committed(10, 0.01, repeats=3)
    forced = gathering.gather_seconds
    gathering.committed(10, 0.01, repeats=0)
    assert 0.005 < gathering.gather_seconds < forced
    for _ in range(50):
        gathering.committed(10, 0.01, repeats=0)
    assert gathering.gather_seconds == 0.005
    assert not gathering.is_forced


def test_a_full_commit_that_was_quick_lets_the_next_take_twice_as_many_up_to_the_most() -> None:
    gathering = Gathering(POLICY)
    sizes = []
    for _ in range(4):
        gathering.committed(gathering.group, 0.05, repeats=0)
        sizes.append(gathering.group)
    assert sizes == [200, 400, 400, 400]


@pytest.mark.parametrize(
    ("outcomes", "seconds", "repeats"), [(99, 0.05, 0), (100, 0.3, 0), (100, 0.05, 1)]
)
def test_one_that_was_not_full_or_not_quick_or_repeated_does_not(
    outcomes: int, seconds: float, repeats: int
) -> None:
    gathering = Gathering(POLICY)
    gathering.committed(outcomes, seconds, repeats)
    assert gathering.group == 100


def test_slow_commits_take_half_as_many_but_no_fewer_than_the_policy_begins_with() -> None:
    gathering = Gathering(POLICY)
    for _ in range(2):
        gathering.committed(gathering.group, 0.05, repeats=0)
    sizes = []
    for _ in range(3):
        gathering.committed(400, 0.6, repeats=0)
        sizes.append(gathering.group)
    assert sizes == [200, 100, 100]
