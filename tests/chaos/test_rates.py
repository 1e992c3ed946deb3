"""A rate while processes die: what died with one is lost time, and never an excess.

Each record is noted when it is run, whether its process lives on or not. So many beginnings take so
many turns: from the first process' start to the last one's end it is at least that long.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from fanfold.testing.home import Home
from fanfold.testing.puppet import marks

PUPPET = "fanfold.testing.puppet:puppet"
RATE = 60.0
RECORDS = 180


@pytest.mark.parametrize(
    "fault",
    [
        ("frontier", "reserve", "before", 2, None),
        ("frontier", "reserve", "after", 1, None),
        ("frontier", "reserve", "after", 2, None),
        ("runs", "settle", "before", 2, None),
        ("queue", "ack", "before", 2, None),
    ],
    ids=["before reserving", "with its first turns", "with turns", "before settling", "unacked"],
)
def test_a_process_that_dies_loses_its_turns_and_leaves_nobody_too_many(
    home: Home, tmp_path: Path, fault: tuple[str, str, str, int, None]
) -> None:
    log = tmp_path / "marks"
    records = [{"do": "ok", "log": str(log)}] * RECORDS
    batch = home.create(records, PUPPET, rate=f"{RATE:g}/s")
    before = time.time()
    assert home.work(fault) == -signal.SIGKILL, "the fault was never reached"
    assert home.work() == 0
    took = time.time() - before
    home.assert_whole(batch, RECORDS)
    begun = sum(it.what == "start" for it in marks(log))
    assert begun >= RECORDS
    assert took >= (begun - 1) / RATE - 0.01


def test_processes_that_are_killed_at_work_share_a_rate_with_those_that_live(
    embedded_home: Home, tmp_path: Path
) -> None:
    """Where what a dead process held comes back while the other one works on."""
    home, log = embedded_home, tmp_path / "marks"
    records = [{"do": "sleep", "seconds": 0.01, "log": str(log)}] * RECORDS
    batch = home.create(records, PUPPET, rate=f"{RATE:g}/s")
    before = time.time()
    killed, other = home.start(("runs", "settle", "after", 3, None)), home.start()
    assert killed.wait() == -signal.SIGKILL
    assert other.wait() == 0
    took = time.time() - before
    home.assert_whole(batch, RECORDS)
    begun = sum(it.what == "start" for it in marks(log))
    assert took >= (begun - 1) / RATE - 0.01
