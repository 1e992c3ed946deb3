"""A home for each test, and a file that says what was really executed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.ports import Ports
from fanfold.testing.clock import StillClock
from fanfold.testing.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with embedded_engine(tmp_path / "home") as ports:
        yield Home(tmp_path / "home", ports)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def still_home(tmp_path: Path, clock: StillClock) -> Iterator[Home]:
    """Another, in which an hour passes when the test says so."""
    with embedded_engine(tmp_path / "still", clock) as ports:
        yield Home(tmp_path / "still", ports)


@pytest.fixture
def ports(home: Home) -> Ports:
    return home.ports


@pytest.fixture
def marked(tmp_path: Path) -> str:
    """The log a puppet writes its marks to."""
    return str(tmp_path / "marks")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """What a puppet that hangs waits for."""
    return tmp_path / "gate"
