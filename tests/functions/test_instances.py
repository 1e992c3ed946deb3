"""Instances that end while they are at something, on the official emulators: nothing is lost."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from fanfold.domain.outcome import Failed
from fanfold.testing.working import until
from tests.functions.conftest import FLOWS, PATIENCE, Served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_instance_that_is_ended_in_the_midst_of_a_batch_loses_nothing(
    served: Served, number: signal.Signals
) -> None:
    """As the cloud ends instances whenever it likes; another is started for what comes again."""
    batch = served.home.create([{"n": n} for n in range(300)], f"{FLOWS}:short", concurrency=20)
    until(lambda: served.home.ports.runs.settled(batch.id) >= 40, PATIENCE)
    before = served.run_flow.pid
    assert before is not None
    os.kill(before, number)
    served.until_ended(batch)
    served.home.assert_whole(batch, 300)
    # one that is asked to end does what it holds first, and may end after the batch
    until(lambda: served.run_flow.pid not in (before, None))


def test_a_record_that_kills_its_function_fails_alone(served: Served) -> None:
    records: list[dict[str, Any]] = [{"n": n} for n in range(30)]
    records[17]["kill"] = True
    batch = served.home.create(records, f"{FLOWS}:counted")
    served.until_ended(batch)
    served.home.assert_whole(batch, 30, failed=1)
    (run,) = served.home.ports.runs.read(batch.id, [17]).values()
    assert isinstance(run.outcome, Failed)
    assert "SIGKILL" in run.outcome.failure.message
