"""Steps on the real engine, with a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.ports import Ports
from fanfold.testing.clock import StillClock
from fanfold.testing.home import Home

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def ports(tmp_path: Path, clock: StillClock) -> Iterator[Ports]:
    with embedded_engine(tmp_path / "home", clock) as engine:
        yield engine


@pytest.fixture
def home(tmp_path: Path, ports: Ports) -> Home:
    return Home(tmp_path / "home", ports)
