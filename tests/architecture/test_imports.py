"""`import fanfold` is cheap: a flow author's file, and every worker's start, pays for it.

Counted in modules, not timed, so that the verdict is the same on any machine.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: Heavy, or only for one engine or one face. None of it is needed to write a flow.
HEAVY = frozenset(
    {
        *("google", "grpc", "sqlite3"),
        *("fastapi", "starlette", "uvicorn", "httpx"),
        *("pydantic", "pydantic_core", "pydantic_settings"),
        *("typer", "click", "rich"),
    }
)

#: Modules that `import fanfold` may load over a bare interpreter, its own among them.
BUDGET = 150

#: Where the names come from that a flow author types, and what these are made of.
FOR_AUTHORS = (
    "fanfold.domain",
    "fanfold.errors",
    "fanfold.execution.context",
    "fanfold.folds.result",
    "fanfold.graphs",
)

PROBE = """
import sys
before = set(sys.modules)
import fanfold
import json
print(json.dumps(sorted(set(sys.modules) - before - {"json"})))
"""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The names of the modules that `import fanfold` loads in a fresh interpreter."""
    probe = subprocess.run(
        [sys.executable, "-I", "-c", PROBE], capture_output=True, text=True, check=True
    )
    names = json.loads(probe.stdout)
    assert "fanfold" in names
    return [str(name) for name in names]


def test_importing_fanfold_loads_nothing_heavy(loaded: list[str]) -> None:
    assert [name for name in loaded if name.partition(".")[0] in HEAVY] == []


def test_importing_fanfold_loads_few_modules(loaded: list[str]) -> None:
    assert len(loaded) < BUDGET, f"`import fanfold` loads {len(loaded)} modules: {loaded}"


def test_importing_fanfold_loads_no_more_of_itself_than_an_author_types(loaded: list[str]) -> None:
    own = [name for name in loaded if name.startswith("fanfold.")]
    assert [name for name in own if not is_for_authors(name)] == []


def is_for_authors(name: str) -> bool:
    """Whether a module is one of `FOR_AUTHORS`, lies in one, or is a package on the way to one."""
    return any(
        f"{name}.".startswith(f"{known}.") or known.startswith(f"{name}.") for known in FOR_AUTHORS
    )
