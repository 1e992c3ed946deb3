"""A home for each test, and other processes that use it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.ports import Ports

#: Runs Python text in a process of its own, which has `home` and `embedded_engine`.
Elsewhere = Callable[[str], "subprocess.Popen[str]"]

_BEGIN = """
import os, signal, subprocess, sys, time
from pathlib import Path
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.ports import Station

home = Path(sys.argv[1])
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def ports(home: Path) -> Iterator[Ports]:
    with embedded_engine(home) as engine:
        yield engine


@pytest.fixture
def elsewhere(home: Path) -> Iterator[Elsewhere]:
    started: list[subprocess.Popen[str]] = []

    def start(text: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN + dedent(text), str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
