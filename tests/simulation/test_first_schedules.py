"""4,000 schedules, the first half. The other is in a file of its own, for one process runs a file.

Seeds are fixed, so that a failure comes again: `python -m fanfold.testing.simulation` runs others.
"""

from __future__ import annotations

import pytest

from fanfold.testing.simulation.simulate import held

SEEDS = range(2_000)


@pytest.mark.parametrize("start", SEEDS[::1_000])
def test_no_schedule_violates_an_invariant(start: int) -> None:
    assert held(range(start, start + 1_000)) == ""
