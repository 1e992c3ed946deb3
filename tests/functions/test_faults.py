"""Functions that die, refuse and are not heard, on the official emulators: every record is settled
and counted once all the same, and with nobody's help: no sweep looks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.testing.working import until
from tests.functions.conftest import FLOWS, PATIENCE, Chaos

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LIMITS = pytest.mark.parametrize("concurrency", [None, 5], ids=["unlimited", "limited"])


@LIMITS
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_is_killed_around_its_commits_loses_and_doubles_nothing(
    chaos: Chaos, when: str, concurrency: int | None
) -> None:
    served = chaos(faults=[["runs", "settle", when, 2, None]])
    # more than all its requests at once, twice in each of three lives: there is always a second one
    served.assert_goes_through(60 if concurrency else 400, concurrency=concurrency)
    assert chaos.deaths == 3, "it was to die in each of its first three lives"


def test_a_process_that_is_killed_before_it_asks_is_made_up_for(
    chaos: Chaos, tmp_path: Path
) -> None:
    served = chaos(faults=[["queue", "publish", "before", 1, "finalizations"]])
    gate = tmp_path / "gate"
    batch = served.home.create([{}, {}, {"gate": str(gate)}], f"{FLOWS}:counted")
    # whoever seals asks too: not before there is one record left, or nobody need die for it
    until(lambda: served.home.ports.batches.get(batch.id).sealed, PATIENCE)
    gate.touch()
    served.until_ended(batch)
    served.home.assert_whole(batch, 3, 0)
    assert chaos.deaths, "whoever settles the last record asks, and was to die of it"


@LIMITS
def test_requests_that_are_refused_by_chance_come_again(
    chaos: Chaos, concurrency: int | None
) -> None:
    chaos(refuses=0.15).assert_goes_through(60, concurrency=concurrency)


@LIMITS
def test_answers_that_are_lost_by_chance_make_nothing_count_twice(
    chaos: Chaos, concurrency: int | None
) -> None:
    chaos(loses=0.15).assert_goes_through(60, concurrency=concurrency)
