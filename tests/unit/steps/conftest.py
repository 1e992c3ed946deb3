"""Steps on the real engine, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fanfold.ports import Ports
from fanfold.testing.clock import StillClock
from fanfold.testing.home import Home
from tests.unit.steps.both import ENGINES, opened

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is marked `each_engine` runs with the ports of each, unless a test names its own."""
    item = metafunc.definition
    if item.get_closest_marker("each_engine") is None or "ports" not in metafunc.fixturenames:
        return
    if not any(mark.args[0] == "ports" for mark in item.iter_markers("parametrize")):
        metafunc.parametrize("ports", ENGINES, indirect=True)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def ports(request: pytest.FixtureRequest, tmp_path: Path, clock: StillClock) -> Iterator[Ports]:
    """The embedded engine's, unless a test is to be run with each engine's."""
    with opened(getattr(request, "param", "embedded"), tmp_path, clock) as ports:
        yield ports


@pytest.fixture
def home(tmp_path: Path, ports: Ports) -> Home:
    return Home(tmp_path / "home", ports)
