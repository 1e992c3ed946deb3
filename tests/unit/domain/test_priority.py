from __future__ import annotations

from fanfold.domain.priority import PRIORITIES, Priority


def test_high_comes_before_normal_and_normal_before_low() -> None:
    assert sorted(PRIORITIES, key=lambda it: it.rank) == ["high", "normal", "low"]


def test_ranks_that_lie_in_a_home_keep_their_meaning() -> None:
    assert {str(it): it.rank for it in Priority} == {"high": 0, "normal": 1, "low": 2}
