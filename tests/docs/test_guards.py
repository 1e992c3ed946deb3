"""docs/guards.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUARDS = (ROOT / "docs" / "guards.md").read_text()


def test_every_test_that_is_said_to_miss_a_guard_exists() -> None:
    files = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "shared").rglob("conformance/*.py")]
    defined = {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}
    named = re.findall(r"\| `(test_\w+)` \|", GUARDS)
    assert [name for name in named if name not in defined] == []


def test_every_line_names_a_test() -> None:
    rows = [
        line
        for line in GUARDS.splitlines()
        if line.startswith("| ") and "without it fails" not in line
    ]
    assert rows
    assert [row for row in rows if not re.fullmatch(r"\| .+ \| `test_\w+` \|", row)] == []
