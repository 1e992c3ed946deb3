"""4,000 schedules, the second half: see test_first_schedules."""

from __future__ import annotations

import pytest

from fanfold.testing.simulation.simulate import held

SEEDS = range(2_000, 4_000)


@pytest.mark.parametrize("start", SEEDS[::1_000])
def test_no_schedule_violates_an_invariant(start: int) -> None:
    assert held(range(start, start + 1_000)) == ""
