"""The import contracts in pyproject.toml keep up with the folders that exist.

import-linter takes a layer in parentheses for one that may be missing, and a contract on some
folders leaves the others alone. A folder that comes into being must therefore be named.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypedDict

import pytest

#: What must stay free of clouds, databases and the web.
CORE = frozenset({"domain", "execution", "ports", "steps"})


class Contract(TypedDict):
    id: str
    layers: list[str]
    source_modules: list[str]


@pytest.fixture(scope="module")
def contracts(root: Path) -> dict[str, Contract]:
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    listed: list[Contract] = pyproject["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract for contract in listed}


@pytest.fixture(scope="module")
def existing(root: Path) -> set[str]:
    """The names of the folders and files right inside the package."""
    package = root / "shared" / "fanfold"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    return modules | {path.parent.name for path in package.glob("*/__init__.py")}


def test_a_layer_that_exists_is_asked_for(
    contracts: dict[str, Contract], existing: set[str]
) -> None:
    siblings = [name.strip() for line in contracts["layers"]["layers"] for name in line.split("|")]
    optional = {name.strip("()") for name in siblings if name.startswith("(")}
    assert optional & existing == set(), "take off the parentheses in the contract `layers`"


def test_the_core_that_exists_is_kept_pure(
    contracts: dict[str, Contract], existing: set[str]
) -> None:
    kept = {name.removeprefix("fanfold.") for name in contracts["core-is-pure"]["source_modules"]}
    assert CORE & existing <= kept, "name it in the contract `core-is-pure`"
