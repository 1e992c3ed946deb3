"""docs/identity.md has the roles and the settings that there are."""

from __future__ import annotations

import re
from pathlib import Path

from fanfold.domain import people
from fanfold.domain.people import Role
from fanfold.identity.keys import ALGORITHMS

PAGE = (Path(__file__).parents[2] / "docs" / "identity.md").read_text()


def test_the_roles_are_those_of_the_code() -> None:
    wanted = [[cell.strip() for cell in row] for row in rows(people.__doc__ or "")]
    there = [[cell.strip() for cell in row] for row in rows(PAGE)]
    assert [it for it in there if it[0] in set(Role)] == [it for it in wanted if it[0] in set(Role)]
    assert [it[0] for it in wanted if it[0] in set(Role)] == [str(it) for it in Role]


def test_every_algorithm_is_named() -> None:
    assert all(name in PAGE for name in ALGORITHMS)


def rows(text: str) -> list[list[str]]:
    return [line.strip("| ").split("|") for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)]
