"""Where the repository is, and which files in it are the project's own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def own_files(root: Path) -> list[Path]:
    """Every file that is committed or could be: all that git neither ignores nor finds deleted."""
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("only git knows which files are the project's own")
    # The folder may belong to another user than the one who tests; git would refuse it unasked.
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (root / name for name in sorted(set(listed.stdout.split("\0")) - {""}))
    return [path for path in paths if path.is_file()]


@pytest.fixture(scope="session")
def shipped_modules(root: Path) -> list[Path]:
    """The Python files that users run: the package and the functions, not the tests."""
    folders = (root / "shared" / "fanfold", root / "functions")
    return sorted(path for folder in folders for path in folder.rglob("*.py"))
