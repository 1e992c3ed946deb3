"""A home for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.testing.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with embedded_engine(tmp_path / "home") as ports:
        yield Home(tmp_path / "home", ports)
