"""docs/simulation.md tells what goes wrong in a schedule, what must hold, and what is caught."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import get_args

from fanfold.testing.simulation.bugs import BUGS
from fanfold.testing.simulation.plan import MOST_RECORDS, Kind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "simulation.md").read_text()
SIMULATION = ROOT / "shared" / "fanfold" / "testing" / "simulation"


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the first table there, without its head."""
    lines = PAGE.partition(heading)[2].splitlines()
    behind_head = lines[next(n for n, it in enumerate(lines) if it.startswith("|---")) + 1 :]
    rows = takewhile(lambda it: it.startswith("|"), behind_head)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_mishap_has_its_row() -> None:
    told = [row[0] for row in rows_under("Mixed in are:")]
    assert told == [f"`{kind}`" for kind in get_args(Kind)]


def test_every_invariant_has_its_row() -> None:
    told = {row[0] for row in rows_under("After every step:") + rows_under("nobody can move:")}
    code = "".join(path.read_text() for path in SIMULATION.glob("*.py"))
    held = set(re.findall(r'violat\w*\(\s*"([^"]+)"', code))
    assert told == held


def test_every_bug_and_what_catches_it_has_its_row() -> None:
    told = rows_under("Bugs put in on purpose")
    assert told == [[bug.name, bug.caught_by] for bug in BUGS]


def test_the_numbers_are_those_of_the_tests() -> None:
    assert f"a batch of 1 to {MOST_RECORDS} records" in PAGE
    bugs = (ROOT / "tests" / "simulation" / "test_bugs.py").read_text()
    assert "within 3,000\nschedules from seed 0" in PAGE
    assert "ENOUGH = 3_000" in bugs
    first, further = (
        (ROOT / "tests" / "simulation" / f"test_{name}_schedules.py").read_text()
        for name in ("first", "further")
    )
    assert "SEEDS = range(2_000)" in first
    assert "SEEDS = range(2_000, 4_000)" in further
    assert "4,000\nschedules, seeds 0 to 3999" in PAGE
