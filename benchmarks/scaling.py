"""Do twenty worker processes on one batch do twenty times as much as one?

On `fanfold.testing.cloud` with limits as in production: a commit takes 30 ms, and a document bears
one write a second; a commit that would exceed that is refused (ABORTED), as the service does with
what is fought over. The flow sleeps, so that processors are not what is measured; each process runs
so many records at once. Printed for each number of processes: records per second, from the first
message to the last counted result; the share of as many times what one process does; the document
that was written most often, and how often a second; and what settling took.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.provision import provision
from fanfold.settings import Settings
from fanfold.steps.engine_statistics import EngineStatistics, engine_statistics_of
from fanfold.steps.status import status_of
from fanfold.testing.cloud import Limits, running_cloud
from fanfold.testing.home import Home
from fanfold.testing.nursery import fork
from fanfold.testing.pulling import pull_until_killed
from fanfold.wiring import open_google

SLEEPER = f"{Path(__file__).with_name('sleeper.py')}:sleeper"
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Result:
    processes: int
    records: int
    records_per_second: float
    #: of so many times what one process does
    share_of_linear: float
    hottest: str
    hottest_writes_per_second: float
    settling: EngineStatistics


def measure(processes: int, given: argparse.Namespace, alone: float | None) -> Result:
    records = int(processes * given.threads * given.lasts / given.seconds)
    with tempfile.TemporaryDirectory() as folder, running_cloud() as cloud:
        settings = Settings.from_env().model_copy(
            update={
                "engine": "google",
                "home": Path(folder),
                "firestore_emulator_host": cloud.firestore_host,
                "pubsub_emulator_host": cloud.pubsub_host,
            }
        )
        with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
            provision(clients.publisher, clients.subscriber, settings.project, settings.prefix)
        with open_google(settings) as ports:
            workers = [fork(pull_until_killed, settings, given.threads) for _ in range(processes)]
            home = Home(settings.home, ports, settings)
            note = str(Path(folder) / "notes")
            batch = home.create([{"seconds": given.seconds, "note": note}] * records, SLEEPER)
            while not ports.batches.get(batch.id).sealed:
                time.sleep(_LOOK_SECONDS)
            # its pages are written by one process, one after the other: that is not what is meant
            limits_of(cloud.limits, given)
            before, begun = cloud.operations, time.monotonic()
            already = ports.runs.settled(batch.id)
            while ports.runs.settled(batch.id) < records:
                time.sleep(_LOOK_SECONDS)
            seconds = time.monotonic() - begun
            done = cloud.operations - before
            settling = engine_statistics_of(status_of(ports, batch.id))
            for worker in workers:
                worker.kill()
    slots = {path: count for path, count in done.writes.items() if "/slots/" in path}
    path, most = max(slots.items(), key=lambda it: it[1])
    speed = (records - already) / seconds
    share = 1.0 if alone is None else speed / (processes * alone)
    hottest = "/".join(path.rsplit("/", 2)[1:])
    return Result(processes, records, speed, share, hottest, most / seconds, settling)


def limits_of(limits: Limits, given: argparse.Namespace) -> None:
    limits.commit_seconds = given.commit_seconds
    limits.document_writes_per_second = given.document_writes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=20)
    parser.add_argument("--threads", type=int, default=4, help="runs at once in each process")
    parser.add_argument("--seconds", type=float, default=0.1, help="how long a run takes")
    parser.add_argument("--lasts", type=float, default=20.0, help="about, of each measurement")
    parser.add_argument("--commit-seconds", type=float, default=0.03)
    parser.add_argument("--document-writes", type=float, default=1.0, help="per second")
    parser.add_argument("--json", action="store_true", help="one object as the last line")
    given = parser.parse_args()
    one = measure(1, given, None)
    many = measure(given.processes, given, one.records_per_second)
    for it in (one, many):
        print(
            f"{it.processes:>3} processes: {it.records_per_second:8.1f} records/s, "
            f"{it.share_of_linear:.0%} of linear; hottest document {it.hottest}: "
            f"{it.hottest_writes_per_second:.2f} writes/s"
        )
        settling = it.settling
        print(
            f"    {settling.commits} commits of {settling.outcomes_per_commit:.1f} results, "
            f"gathered {1000 * settling.gather_seconds:.0f} ms, "
            f"{settling.repeats} repeated, {settling.slots_used} of {settling.slots} slots"
        )
    if given.json:
        print(json.dumps({"one": asdict(one), "many": asdict(many)}))


if __name__ == "__main__":
    main()
