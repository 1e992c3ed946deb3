"""How long those wait who look at a running batch over HTTP, and what they cost the batch.

    .venv/bin/python benchmarks/polling.py --clients 200 --records 100000

`fanfold up --engine embedded` serves a batch whose runs take a millisecond, and so many clients ask
for it, each once a second. The same batch is run before without them. It prints percentiles of the
answers, and the ratio of the two batches' speeds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import httpx

FLOWS = """
import time
from fanfold import flow

def numbers():
    return ({"n": n} for n in range(%d))

@flow(source=numbers)
def short(record):
    time.sleep(0.001)
    return record
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two questions")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "flows.py").write_text(FLOWS % given.records)
        alone, _ = _measured(folder, 0, given.every)
        beside, waited = _measured(folder, given.clients, given.every)
    print(f"alone:  {alone:,.0f} records/s")
    print(f"beside: {beside:,.0f} records/s, {beside / alone:.0%} of that")
    cuts = quantiles(waited, n=100)
    told = ", ".join(f"p{it} {1000 * cuts[it - 1]:.0f} ms" for it in (50, 90, 99))
    most = f"most {1000 * max(waited):.0f} ms"
    print(f"{given.clients} clients, {len(waited):,} answers: {told}, {most}")


def _measured(folder: str, clients: int, every: float) -> tuple[float, list[float]]:
    """Records a second, and how long each answer took."""
    command = [sys.executable, "-m", "fanfold.cli.main", "up", "--engine", "embedded", "--json"]
    env = {**os.environ, "FANFOLD_FLOWS": "flows.py", "FANFOLD_HOME": f"home-{clients}"}
    with subprocess.Popen(  # noqa: S603  our own command
        [*command, "--processes", "2"], cwd=folder, env=env, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as up:  # fmt: skip
        try:
            assert up.stdout is not None  # noqa: S101  asked for above
            api = json.loads(up.stdout.readline())["api"]
            return asyncio.run(_polled(api, clients, every))
        finally:
            up.terminate()


async def _polled(api: str, clients: int, every: float) -> tuple[float, list[float]]:
    limits = httpx.Limits(max_connections=clients + 1)
    waited: list[float] = []
    async with httpx.AsyncClient(base_url=api, limits=limits, timeout=60) as client:
        asked = {"flow": "short", "shuffle": False, "concurrency": 200}
        batch = (await client.post("/api/batches", json=asked)).json()
        url = f"/api/batches/{batch['batch_id']}"
        over = asyncio.Event()

        async def ask(number: int) -> None:
            await asyncio.sleep(every * number / max(1, clients))
            while not over.is_set():
                began = time.perf_counter()
                (await client.get(url)).raise_for_status()
                waited.append(time.perf_counter() - began)
                await asyncio.sleep(every)

        asking = [asyncio.create_task(ask(number)) for number in range(clients)]
        while (seen := (await client.get(url)).json())["ended_at"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        over.set()
        await asyncio.gather(*asking)
    return seen["rate"], waited


if __name__ == "__main__":
    main()
