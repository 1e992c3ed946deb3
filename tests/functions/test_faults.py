"""Functions that die, refuse and are not heard, on the official emulators: every record is settled
and counted once all the same, and with nobody's help. The sweep would look after two minutes only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from fanfold.domain.outcome import Failed
from fanfold.testing.working import until
from tests.functions.conftest import FLOWS, Serve

pytestmark = pytest.mark.slow
LIMITS = pytest.mark.parametrize("concurrency", [None, 5], ids=["unlimited", "limited"])


@LIMITS
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_is_killed_around_its_commits_loses_and_doubles_nothing(
    serve: Serve, deaths: Callable[[], int], when: str, concurrency: int | None
) -> None:
    served = serve(faults=[["runs", "settle", when, 3, None]])
    served.assert_goes_through(60, concurrency=concurrency)
    assert deaths() == 3, "it was to die in each of its first three lives"


def test_a_process_that_is_killed_before_it_asks_is_made_up_for(
    serve: Serve, deaths: Callable[[], int]
) -> None:
    served = serve(faults=[["queue", "publish", "before", 1, "finalizations"]])
    served.assert_goes_through(30)
    assert deaths() == 3


@LIMITS
def test_requests_that_are_refused_by_chance_come_again(
    serve: Serve, concurrency: int | None
) -> None:
    serve(refuses=0.15).assert_goes_through(60, concurrency=concurrency)


@LIMITS
def test_answers_that_are_lost_by_chance_make_nothing_count_twice(
    serve: Serve, concurrency: int | None
) -> None:
    serve(loses=0.15).assert_goes_through(60, concurrency=concurrency)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_instance_that_is_ended_in_the_midst_of_a_batch_loses_nothing(
    serve: Serve, number: signal.Signals
) -> None:
    """As the cloud ends instances whenever it likes; another is started for what comes again."""
    served = serve()
    batch = served.home.create([{"n": n} for n in range(300)], f"{FLOWS}:short", concurrency=20)
    until(lambda: served.home.ports.runs.settled(batch.id) >= 40)
    (before,) = [part.pid for part in served.up.parts() if part.name == "run_flow"]
    assert before is not None
    os.kill(before, number)
    served.until_ended(batch)
    served.home.assert_whole(batch, 300)
    (after,) = [part.pid for part in served.up.parts() if part.name == "run_flow"]
    assert after != before


def test_a_record_that_kills_its_function_fails_alone(serve: Serve) -> None:
    served = serve()
    records: list[dict[str, Any]] = [{"n": n} for n in range(30)]
    records[17]["kill"] = True
    batch = served.home.create(records, f"{FLOWS}:counted")
    served.until_ended(batch)
    served.home.assert_whole(batch, 30, failed=1)
    (run,) = served.home.ports.runs.read(batch.id, [17]).values()
    assert isinstance(run.outcome, Failed)
    assert "SIGKILL" in run.outcome.failure.message
