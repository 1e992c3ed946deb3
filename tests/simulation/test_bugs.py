"""Each seeded bug is caught, by the invariant that it breaks."""

from __future__ import annotations

from itertools import chain

import pytest

from fanfold.testing.simulation.bug import Bug
from fanfold.testing.simulation.bugs import BUGS
from fanfold.testing.simulation.simulate import simulate

#: so many schedules at most, from seed 0 on, where the one that has caught it before does not
ENOUGH = 3_000


@pytest.mark.timeout(600)  # some take a thousand schedules, on whatever machine
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_seeded_bug_is_caught(bug: Bug) -> None:
    with bug.seeded():
        summary = simulate(chain((bug.seen_at,), range(ENOUGH)))
    assert [violation.invariant for violation in summary.violations] == [bug.caught_by]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_what_is_right_is_back_in_its_place(bug: Bug) -> None:
    place, name, _ = bug.wrong
    right = getattr(place, name)
    with bug.seeded():
        assert getattr(place, name) is not right
    assert getattr(place, name) is right


def test_every_bug_has_a_name_of_its_own() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS)
