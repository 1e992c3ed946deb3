"""Fanfold as one wheel: the same bytes of the same sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import fanfold
from fanfold.errors import FanfoldError


class WheelMissing(FanfoldError):
    """There is no checkout of fanfold here to build a wheel of. Name one with --wheel."""


def checkout() -> Path | None:
    """Where the package lies in a folder that it can be built of."""
    package = Path(fanfold.__file__).resolve().parent
    root = package.parents[1]
    return root if package.parent.name == "shared" and (root / "pyproject.toml").exists() else None


def built(into: Path, given: Path | None = None) -> Path:
    """The wheel, in this folder. `given`: one that is built already."""
    into.mkdir(parents=True, exist_ok=True)
    if given is not None:
        if not given.is_file():
            raise WheelMissing(f"{given} is not there. Build it: python -m hatchling build")
        return Path(shutil.copy(given, into / given.name))
    root = checkout()
    if root is None:
        raise WheelMissing
    for old in into.glob("fanfold-*.whl"):
        old.unlink()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into.resolve())]
    done = subprocess.run(  # noqa: S603  our own command
        command, cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WheelMissing(f"the wheel cannot be built: {done.stderr.strip() or done.stdout}")
    (wheel,) = into.glob("fanfold-*.whl")
    return wheel
