"""How scatter and gather grow: the same graph over 1,000 items and over 10,000.

    .venv/bin/python benchmarks/scatter.py                   # here, and on the embedded engine
    .venv/bin/python benchmarks/scatter.py --engine google   # on the official emulators

Each number is doubled and all are added up, as in Flowcraft's documented example, whose own figures
are 0.16 s for 1,000 items and 19 s for 20,000, in memory. In this process the items are threads';
on an engine they are a batch of their own, and the run waits for it. Ten times the items may take
eleven times as long. What an engine takes for few items is warmed up before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from fanfold import Flow

FEW, MANY = 1_000, 10_000
#: of the time that ten times as much may take
BUDGET = 11.0
FLOWS = """
from fanfold import Flow

total = (
    Flow("total")
    .node("start", lambda record: list(range(record)))
    .batch("double", lambda n: n * 2, distributed=True, concurrency=500)
    .node("sum", sum)
    .edge("start", "double_scatter")
    .edge("double_gather", "sum")
)
"""


def here(items: int) -> float:
    total = Flow("total").node("start", lambda record: list(range(record)))
    total.batch("double", lambda n: n * 2).node("sum", sum)
    total.edge("start", "double_scatter").edge("double_gather", "sum")
    begun = time.perf_counter()
    _check(total.run(items), items)
    return time.perf_counter() - begun


class Engine:
    def __init__(self, folder: Path, engine: str) -> None:
        self.folder = folder
        self._env = {
            **os.environ, "FANFOLD_ENGINE": engine, "FANFOLD_HOME": str(folder / "home"),
            "FANFOLD_FLOWS": str(folder / "flows.py"), "FANFOLD_DELIVERY": "pull",
        }  # fmt: skip
        (folder / "flows.py").write_text(FLOWS)

    def seconds(self, items: int) -> float:
        """From the start of the batch to its end, as it says itself."""
        (self.folder / "records.jsonl").write_text(f"{items}\n")
        command = ["run", "total", "records.jsonl", "--json", "--quiet", "--out", "results.jsonl"]
        told = json.loads(self._fanfold(*command).splitlines()[-1])
        (result,) = (self.folder / "results.jsonl").read_text().splitlines()
        _check(json.loads(result)["output"], items)
        return float(told["seconds"])

    @contextmanager
    def up(self) -> Iterator[None]:
        command = [sys.executable, "-m", "fanfold.cli.main", "up", "--engine", "google", "--json"]
        with subprocess.Popen(  # noqa: S603  our own command
            command, cwd=self.folder, env=self._env, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        ) as up:  # fmt: skip
            try:
                assert up.stdout is not None  # noqa: S101  asked for above
                up.stdout.readline()
                yield
            finally:
                up.terminate()

    def _fanfold(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "fanfold.cli.main", *arguments]
        done = subprocess.run(  # noqa: S603  likewise
            command, cwd=self.folder, env=self._env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        return done.stdout


def _check(total: Any, items: int) -> None:
    if total != items * (items - 1):
        raise SystemExit(f"the total of {items} items is {total}")


def _told(name: str, few: float, many: float) -> None:
    ratio = many / few
    verdict = "met" if ratio <= BUDGET else "MISSED"
    print(
        f"{name:<10}{FEW:>7,} items {few:7.2f} s   {MANY:>7,} items {many:7.2f} s   "
        f"{ratio:.1f} times   budget {BUDGET:g} {verdict}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=["embedded", "google"], default="embedded")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    given = parser.parse_args()
    rounds = range(given.rounds)
    _told("here", *(min(here(items) for _ in rounds) for items in (FEW, MANY)))
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder), given.engine)
        with engine.up() if given.engine == "google" else nullcontext():
            engine.seconds(FEW)
            _told(
                given.engine,
                *(min(engine.seconds(items) for _ in rounds) for items in (FEW, MANY)),
            )


if __name__ == "__main__":
    main()
