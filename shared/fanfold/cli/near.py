"""A place of code, as seen from the current folder."""

from __future__ import annotations

from pathlib import Path


def near(place: str) -> str:
    """A file as seen from here, if it is near."""
    path, colon, name = place.rpartition(":")
    if colon and Path(path).is_absolute() and Path(path).is_relative_to(Path.cwd()):
        return f"{Path(path).relative_to(Path.cwd())}:{name}"
    return place
