"""Workers that are killed, again and again, at moments nobody chose."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from time import monotonic, sleep

from fanfold.testing.home import Home

FLOWS = Path(__file__).with_name("flows.py")
RECORDS = 20_000


def test_three_workers_one_killed_every_second_settle_every_record_once(
    embedded_home: Home,
) -> None:
    home = embedded_home
    batch = home.create([{"n": n} for n in range(RECORDS)], f"{FLOWS}:short")
    workers = [home.start(threads=8) for _ in range(3)]
    chance = random.Random(7)
    kills = 0
    next_kill = monotonic() + 1.0
    while home.status(batch).batch.ended is False:
        sleep(0.02)  # polling pace; nothing depends on it
        if monotonic() >= next_kill:
            victim = chance.randrange(3)
            workers[victim].kill()
            assert workers[victim].wait() in (-signal.SIGKILL, 0)
            workers[victim] = home.start(threads=8)
            kills += 1
            next_kill += 1.0
    for worker in workers:
        worker.kill()
    assert kills >= 3, "the batch was over before anything was proven"
    home.assert_whole(batch, RECORDS)
