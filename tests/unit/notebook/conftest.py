"""A home of each test's own, which the environment names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.ports import Ports
from fanfold.settings import Settings
from fanfold.wiring import open_fanfold


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FANFOLD_ENGINE", raising=False)
    monkeypatch.delenv("FANFOLD_FLOWS", raising=False)
    return tmp_path / "home"


@pytest.fixture
def ports(home: Path) -> Iterator[Ports]:
    """The same home, as everybody else sees it."""
    with open_fanfold(Settings.from_env().model_copy(update={"home": home})) as fanfold:
        yield fanfold.ports
