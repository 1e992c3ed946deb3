"""The engine of simulations passes the suite every engine must pass, but for threads."""

from __future__ import annotations

from random import Random
from time import monotonic

import pytest

from fanfold.engines.embedded.queue import LEASE_SECONDS
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance import EngineConformance, Rig
from fanfold.testing.simulation.engine import MemoryEngine, SeededIds

ONE_THREAD = "it is for one thread: simulated processes take turns"


class TestMemoryEngine(EngineConformance):
    @pytest.fixture
    def rig(self) -> Rig:
        clock, engine, ids = StillClock(), MemoryEngine(), SeededIds(Random(1))
        ports, other = (engine.ports(name, clock, ids, monotonic) for name in ("one", "another"))
        return Rig(ports, other, clock, lambda: clock.pass_(LEASE_SECONDS + 1))

    @pytest.mark.skip(ONE_THREAD)
    def test_many_who_advance_at_once_release_each_position_once(self, rig: Rig) -> None:
        """Of several threads."""

    @pytest.mark.skip(ONE_THREAD)
    def test_many_writers_lose_and_double_nothing(self, rig: Rig) -> None:
        """Of several threads."""

    @pytest.mark.skip(ONE_THREAD)
    def test_many_who_ask_at_once_get_each_turn_once(self, rig: Rig) -> None:
        """Of several threads."""
