"""The six functions, served as deployed, on emulators that push to them."""

from __future__ import annotations

import json
import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch
from fanfold.local import functions
from fanfold.local import served as local_served
from fanfold.local.crew import Part
from fanfold.local.emulators import Emulators
from fanfold.local.sweeper import Sweeper
from fanfold.local.up import Up, brought_up
from fanfold.settings import Settings
from fanfold.testing.home import Home
from fanfold.testing.working import until
from fanfold.wiring import open_google

CHAOS = Path(__file__).with_name("chaos") / "main.py"
FLOWS = Path(__file__).parents[1] / "chaos" / "flows.py"
#: for a batch: it ends a hang. What is refused comes again after up to a minute, on any machine
PATIENCE = 300.0


@dataclass(frozen=True, slots=True)
class Served:
    up: Up
    home: Home

    @property
    def run_flow(self) -> Part:
        (part,) = [it for it in self.up.parts() if it.name == "run_flow"]
        return part

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


@pytest.fixture(scope="module")
def settings(emulators: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.from_env().model_copy(
        update={
            "engine": "google",
            "home": tmp_path_factory.mktemp("functions") / "home",
            "prefix": f"t{secrets.token_hex(4)}-",
            "threads": 8,
            "firestore_emulator_host": emulators.firestore,
            "pubsub_emulator_host": emulators.pubsub,
        }
    )


@contextmanager
def _serving(settings: Settings, **instead: Path) -> Iterator[Served]:
    """Without the sweep: what it mends, however late, must not be its doing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_served, "Sweeper", partial(Sweeper, seconds=3600.0))
        with brought_up(settings, instead=instead) as up, open_google(up.settings) as ports:
            yield Served(up, Home(up.settings.home, ports, up.settings))


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Served]:
    """As deployed. Six functions take their time to start: once for a file of tests."""
    with _serving(settings) as served:
        yield served


def port_of(part: Part) -> int:
    return int(part.host.rpartition(":")[2])


class Chaos:
    """The same, but what it is told of goes wrong in `run_flow` (see chaos/main.py)."""

    def __init__(self, served: Served, plan: Path) -> None:
        self._served = served
        self._plan = plan
        self._deaths = plan.parent

    def __call__(self, **goes_wrong: Any) -> Served:
        """From now on, in an instance that has not lived yet."""
        self._deaths = self._plan.with_name(secrets.token_hex(4))
        self._deaths.mkdir()
        self._plan.write_text(json.dumps({**goes_wrong, "folder": str(self._deaths)}))
        before = self._served.run_flow.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        until(lambda: self._is_another(before), PATIENCE)
        return self._served

    @property
    def deaths(self) -> int:
        return len(list(self._deaths.iterdir()))

    def _is_another(self, pid: int) -> bool:
        self._served.up.tend()
        after = self._served.run_flow
        return after.pid != pid and functions.is_ready(port_of(after))


@pytest.fixture(scope="module")
def chaos(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaos]:
    plan = tmp_path_factory.mktemp("chaos") / "plan.json"
    plan.write_text("{}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHAOS", str(plan))
        with _serving(settings, run_flow=CHAOS) as served:
            yield Chaos(served, plan)
