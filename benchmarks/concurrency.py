"""Does `--concurrency 7` mean seven, and what does holding it cost?

The flow sleeps and notes when it began and ended, in a file. From that: the most that were ever in
flight at once, and the time from the first begin to the last end against the best that seven could
do. *Ideal*: the sum of all sleeps over seven. *List schedule*: each record, in order, on the
machine that is free first, with the lengths as they were.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import tempfile
from pathlib import Path

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.testing.home import Home

PUPPET = f"{Path(__file__).with_name('sleeper.py')}:sleeper"


def measure(lengths: list[float], concurrency: int, workers: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder, embedded_engine(Path(folder) / "home") as ports:
        note = Path(folder) / "notes"
        home = Home(Path(folder) / "home", ports)
        records = [{"seconds": length, "note": str(note)} for length in lengths]
        batch = home.create(records, PUPPET, concurrency=concurrency)
        children = [home.start_worker(threads=concurrency) for _ in range(workers)]
        for child in children:
            child.wait()
        home.assert_whole(batch, len(lengths))
        spans = [tuple(map(float, line.split())) for line in note.read_text().splitlines()]
    taken = max(end for _, end in spans) - min(begin for begin, _ in spans)
    real = [end - begin for begin, end in sorted(spans)]
    return {
        "records": len(lengths),
        "concurrency": concurrency,
        "workers": workers,
        "max_in_flight": most_at_once(spans),
        "seconds": round(taken, 3),
        "times_ideal": round(taken / (sum(lengths) / concurrency), 3),
        "times_list_schedule": round(taken / list_schedule(real, concurrency), 3),
    }


def most_at_once(spans: list[tuple[float, ...]]) -> int:
    changes = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    most = now = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def list_schedule(lengths: list[float], machines: int) -> float:
    free = [0.0] * machines
    for length in lengths:
        heapq.heappush(free, heapq.heappop(free) + length)
    return max(free)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=350)
    parser.add_argument("--concurrency", type=int, default=7)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.1, help="the mean length of a run")
    given = parser.parse_args()
    chance = random.Random(11)
    even = [given.seconds] * given.records
    uneven = [chance.uniform(0.2, 1.8) * given.seconds for _ in range(given.records)]
    for name, lengths in (("even", even), ("random", uneven)):
        result = measure(lengths, given.concurrency, given.workers)
        print(json.dumps({"lengths": name, **result}))


if __name__ == "__main__":
    main()
