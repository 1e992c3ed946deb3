"""What holds for all tests."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import settings

# Assertions of the published helpers are explained like those of our own tests. First of all:
# what is imported already cannot be rewritten.
pytest.register_assert_rewrite("fanfold.testing.conformance", "fanfold.testing.home")

from fanfold.local.emulators import (  # noqa: E402  after the line above
    Emulators,
    EmulatorsMissing,
    find_emulators,
    running_emulators,
)

# A machine under load is slow, not wrong; and a failure must come again.
settings.register_profile("fanfold", deadline=None, derandomize=True)
settings.load_profile("fanfold")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of many tests, which mostly compute, in turns with files of few, which mostly wait: so
    the processes that run a file each neither all compute nor all wait, and the longest tests are
    not left to the end."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    by_size = deque(sorted(files.values(), key=len))
    turns = cycle((by_size.pop, by_size.popleft))
    items[:] = [item for _ in files for item in next(turns)()]


@pytest.fixture(scope="session")
def emulators() -> Iterator[Emulators]:
    """The official ones, for all tests that need them; each keeps to a prefix of its own. Without
    them such tests skip, or fail where they are required."""
    try:
        programs = find_emulators()
    except EmulatorsMissing as missing:
        if os.environ.get("FANFOLD_REQUIRE") == "emulators":
            raise
        pytest.skip(f"no emulators: {missing}")
    with running_emulators(programs) as emulators:
        yield emulators
