"""The embedded engine passes the suite every engine must pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.embedded.queue import LEASE_SECONDS
from fanfold.engines.system import SystemIds
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance import EngineConformance, Rig


class TestEmbeddedEngine(EngineConformance):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[Rig]:
        clock = StillClock()
        with (
            embedded_engine(tmp_path, clock, SystemIds()) as ports,
            embedded_engine(tmp_path, clock, SystemIds()) as other,
        ):
            yield Rig(ports, other, clock, lambda: clock.pass_(LEASE_SECONDS + 1))
