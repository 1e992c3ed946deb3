"""What `status` says while workers are killed: it adds up, never falls, never tells too much."""

from __future__ import annotations

import random
from pathlib import Path
from time import monotonic, sleep

from fanfold.domain.tally import Counts
from fanfold.testing.home import Home
from tests.chaos.looking import assert_conserved

FLOWS = Path(__file__).with_name("flows.py")
RECORDS, SAMPLES = 4000, 100


def test_whatever_dies_a_hundred_looks_find_counts_that_add_up_and_never_fall(
    embedded_home: Home, tmp_path: Path
) -> None:
    home, note = embedded_home, tmp_path / "note"
    records = [{"n": n, "note": str(note), "fail": n % 10 == 3} for n in range(RECORDS)]
    batch = home.create(records, f"{FLOWS}:noted")
    workers = [home.start(threads=4) for _ in range(3)]
    chance = random.Random(5)
    looks: list[tuple[Counts, int]] = []
    kills, next_kill = 0, monotonic() + 0.5
    while not home.status(batch).batch.ended:
        sleep(0.01)  # polling pace; nothing depends on it
        counts = home.status(batch).counts
        # what has been run by now, whether or not it was settled
        looks.append((counts, note.read_text().count("\n") if note.exists() else 0))
        if monotonic() >= next_kill:
            victim = chance.randrange(3)
            workers[victim].kill()
            workers[victim] = home.start(threads=4)
            kills += 1
            next_kill = monotonic() + 0.5
    for worker in workers:
        worker.kill()
    assert kills >= 2, "the batch was over before anything was proven"
    assert len(looks) >= SAMPLES
    assert_conserved(counts for counts, _ in looks)
    assert all(counts.settled <= runs for counts, runs in looks)
    home.assert_whole(batch, RECORDS, RECORDS // 10)
