"""The six functions, served as deployed, on emulators that push to them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch
from fanfold.local.emulators import Emulators
from fanfold.local.up import Up, brought_up
from fanfold.settings import Settings
from fanfold.testing.home import Home
from fanfold.testing.working import until
from fanfold.wiring import open_google

CHAOS = Path(__file__).with_name("chaos") / "main.py"
FLOWS = Path(__file__).parents[1] / "chaos" / "flows.py"
#: for a batch; shorter than what the sweep takes for quiet, so that nothing here is its doing
PATIENCE = 100.0


@dataclass(frozen=True, slots=True)
class Served:
    up: Up
    home: Home

    def create(self, count: int, flow: str = "counted", **options: Any) -> Batch:
        records = [{"n": n, "fail": n % 10 == 3} for n in range(count)]
        return self.home.create(records, f"{FLOWS}:{flow}", **options)

    def until_ended(self, batch: Batch) -> None:
        def ended() -> bool:
            self.up.tend()
            return self.home.ports.batches.get(batch.id).ended

        until(ended, PATIENCE)

    def assert_goes_through(self, count: int, **options: Any) -> None:
        """Every tenth record fails; everything is settled and counted once."""
        batch = self.create(count, **options)
        self.until_ended(batch)
        self.home.assert_whole(batch, count, count // 10)


Serve = Callable[..., Served]


@pytest.fixture
def settings(emulators: Emulators, tmp_path: Path) -> Settings:
    return Settings.from_env().model_copy(
        update={
            "engine": "google",
            "home": tmp_path / "home",
            "prefix": f"t{secrets.token_hex(4)}-",
            "threads": 8,
            "firestore_emulator_host": emulators.firestore,
            "pubsub_emulator_host": emulators.pubsub,
        }
    )


@pytest.fixture
def serve(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serves them; what it is told of goes wrong in `run_flow` (see chaos/main.py)."""
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    with ExitStack() as held:

        def serving(**chaos: Any) -> Served:
            monkeypatch.setenv("CHAOS", json.dumps({**chaos, "folder": str(deaths)}))
            instead = {"run_flow": CHAOS} if chaos else {}
            up = held.enter_context(brought_up(settings, instead=instead))
            ports = held.enter_context(open_google(up.settings))
            return Served(up, Home(up.settings.home, ports, up.settings))

        yield serving


@pytest.fixture
def deaths(tmp_path: Path) -> Callable[[], int]:
    return lambda: len(list((tmp_path / "deaths").iterdir()))
