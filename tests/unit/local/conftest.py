"""Nothing of whoever tests is up here, and processes are looked at by their number."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("FANFOLD_") or name.endswith("_EMULATOR_HOST"):
            monkeypatch.delenv(name)


@pytest.fixture
def listening() -> Iterator[str]:
    """Somewhere that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def lives() -> Callable[[int], bool]:
    """Whether a process still runs; one that is only not reaped does not."""

    def lives(pid: int) -> bool:
        told = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return bool(told.stdout.strip()) and not told.stdout.strip().startswith("Z")

    return lives


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    def until(condition: Callable[[], object]) -> None:
        while not condition():
            time.sleep(0.01)

    return until
