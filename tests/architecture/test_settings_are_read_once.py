"""The environment is read in fanfold/settings.py, and nowhere else.

Whoever needs a setting is handed it. So every setting is in one table, all errors are reported at
once, and a test changes a value instead of the process it runs in.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SETTINGS = "shared/fanfold/settings.py"

#: Other files that may touch the environment, by their path in the repository, and why.
ALSO_ALLOWED: dict[str, str] = {}

READERS = frozenset({"environ", "environb", "getenv", "getenvb"})


def reads_of_the_environment(source: str) -> list[int]:
    """The lines that reach for the environment, themselves or through pydantic-settings."""
    tree = ast.parse(source)
    names_of_os = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "os"
    }
    lines: set[int] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in names_of_os:
                if attr in READERS:
                    lines.add(node.lineno)
            case ast.ImportFrom(module="os", names=aliases):
                if any(alias.name in READERS for alias in aliases):
                    lines.add(node.lineno)
            case ast.ImportFrom(module="pydantic_settings"):
                lines.add(node.lineno)
            case ast.Import(names=aliases) if any(
                alias.name == "pydantic_settings" for alias in aliases
            ):
                lines.add(node.lineno)
            case _:
                pass
    return sorted(lines)


def test_only_the_settings_read_the_environment(root: Path, shipped_modules: list[Path]) -> None:
    readers = {
        name: lines
        for path in shipped_modules
        if (name := str(path.relative_to(root))) != SETTINGS
        and (lines := reads_of_the_environment(path.read_text(encoding="utf-8")))
    }

    uninvited = {name: lines for name, lines in readers.items() if name not in ALSO_ALLOWED}
    assert uninvited == {}, f"hand the value over from {SETTINGS}, or write down the reason"

    outlived = [name for name in ALSO_ALLOWED if name not in readers]
    assert outlived == [], "no longer reads the environment: drop the reason"


@pytest.mark.parametrize(
    "source",
    [
        "import os\nhome = os.environ['FANFOLD_HOME']",
        "import os\nhome = os.getenv('FANFOLD_HOME')",
        "import os as system\nhome = system.environ.get('FANFOLD_HOME')",
        "from os import path, environ",
        "def late() -> None:\n    from os import getenv as ask",
        "from pydantic_settings import BaseSettings",
        "import pydantic_settings",
    ],
)
def test_every_way_to_read_the_environment_is_seen(source: str) -> None:
    assert reads_of_the_environment(source) != []


def test_other_uses_of_os_are_not_taken_for_it() -> None:
    assert reads_of_the_environment("import os\nos.replace(a, b)\nthing.environ\n") == []
