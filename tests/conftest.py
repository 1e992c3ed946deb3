"""What holds for all tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

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


def pytest_collection_finish() -> None:
    """What has been loaded stays: nobody need look through it for garbage, time and again."""
    gc.collect()
    gc.freeze()


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
