"""requirements.lock holds what pyproject.toml asks for, and no file in it can be exchanged."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(\s*;[^-]*)?(\s|$)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(\s|$)")


@pytest.fixture(scope="module")
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def pins(lock: str) -> list[str]:
    """The lock's entries, each with its hashes in one line, without comments."""
    without_comments = re.sub(r"(?m)^\s*#.*\n", "", lock)
    return [line for line in without_comments.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def wanted(root: Path) -> list[Requirement]:
    """What pyproject.toml asks for: to run, for every extra, and to build."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    project = pyproject["project"]
    lines: list[str] = [*project["dependencies"], *pyproject["build-system"]["requires"]]
    for extra in project["optional-dependencies"].values():
        lines.extend(extra)
    return [Requirement(line) for line in lines]


def test_every_entry_of_the_lock_is_one_version_with_hashes(pins: list[str]) -> None:
    assert pins, "requirements.lock is empty; make it with `make lock`"
    loose = [pin for pin in pins if not (PIN.match(pin) and HASH.search(pin))]
    assert loose == []


def test_every_requirement_is_pinned_to_a_version_it_accepts(
    wanted: list[Requirement], pins: list[str]
) -> None:
    locked: dict[str, list[str]] = {}
    for pin in pins:
        if match := PIN.match(pin):
            locked.setdefault(canonicalize_name(match["name"]), []).append(match["version"])

    missing = [str(want) for want in wanted if canonicalize_name(want.name) not in locked]
    assert missing == [], "run `make lock`"

    refused = [
        f"{want} is locked to {version}"
        for want in wanted
        for version in locked[canonicalize_name(want.name)]
        if not want.specifier.contains(version, prereleases=True)
    ]
    assert refused == [], "run `make lock`"


def test_every_requirement_has_a_lower_bound(wanted: list[Requirement]) -> None:
    unbounded = [
        str(want)
        for want in wanted
        if not any(bound.operator in {">=", "~=", "=="} for bound in want.specifier)
    ]
    assert unbounded == []


def test_the_lock_names_no_address(lock: str) -> None:
    """Where packages come from is the business of the machine that installs them."""
    addressed = [line for line in lock.splitlines() if "://" in line or "index-url" in line]
    assert addressed == []
