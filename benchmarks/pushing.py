"""How many records a second go through the six functions, beside an empty function.

Everything is brought up as by `fanfold up --engine google`, in a temporary home, with the official
emulators; see fanfold.bench.pushing for what is measured. Each round measures an empty function
that is served as `run_flow` is, one that is served as functions mostly are, and a batch; the first
is slower than the rest, since emulators are programs that warm up.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from fanfold.bench.pushing import IN_LOOP, IN_THREADS, measure_empty, measure_pushed
from fanfold.local.up import Up, brought_up
from fanfold.settings import Settings


def settings_of(home: Path, threads: int) -> Settings:
    own = {"engine": "google", "home": home, "threads": threads, "prefix": "", "bucket": ""}
    hosts = {"firestore_emulator_host": "", "pubsub_emulator_host": ""}
    return Settings.from_env().model_copy(update=own | hosts)


def measured(up: Up, records: int) -> dict[str, float]:
    empty = measure_empty(up, records, IN_LOOP).per_second
    threaded = measure_empty(up, records, IN_THREADS).per_second
    pushed = measure_pushed(up, records).per_second
    return {
        "empty_per_second": round(empty),
        "empty_in_threads_per_second": round(threaded),
        "records_per_second": round(pushed),
        "share": round(pushed / empty, 3),
        "share_of_threaded": round(pushed / threaded, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=32, help="runs at once in run_flow")
    parser.add_argument("--json", action="store_true", help="one object as the last line")
    given = parser.parse_args()
    rounds: list[dict[str, float]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        brought_up(settings_of(Path(folder) / "home", given.threads)) as up,
    ):
        for number in range(1, given.rounds + 1):
            rounds.append(measured(up, given.records))
            print(f"round {number}")
            for name, figure in rounds[-1].items():
                print(f"  {name.replace('_', ' '):<30}{figure:>10,}", flush=True)
    if given.json:
        print(json.dumps({"records": given.records, "threads": given.threads, "rounds": rounds}))


if __name__ == "__main__":
    main()
