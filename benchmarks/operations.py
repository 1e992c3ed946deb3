"""What a record costs: documents, requests and messages, counted the way they are billed.

The six functions, served as deployed, on `fanfold.testing.cloud`, which counts and pushes. Three
batches of a flow that does nothing: without a limit; the same with commits that take as long as
they do in the cloud, so that more outcomes gather in one; and with a limit. Beside each number is
the budget it is to keep. Counts travel between machines, but for the size of groups, which grows
with the time of a commit and the speed of the functions.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from fanfold.domain import prices
from fanfold.local.up import brought_up
from fanfold.settings import Settings
from fanfold.testing.cloud import Cloud, Operations, running_cloud
from fanfold.testing.home import Home
from fanfold.wiring import open_fanfold

ECHO = "fanfold.flows.echo:echo"
MILLION = 1_000_000
#: what is paid for
PRICES = {
    "writes": prices.DOCUMENT_WRITES,
    "reads": prices.DOCUMENT_READS,
    "deletes": prices.DOCUMENT_DELETES,
    "bytes published": prices.MESSAGE_BYTES,
    "bytes pushed": prices.MESSAGE_BYTES,
}
#: of operations per record, and of dollars for a million records
UNLIMITED = {"writes": 1.05, "reads": 0.05, "publish requests": 0.01, "dollars": 1.20}
LIMITED = {"publish requests": 1.0}
COLLECTIONS = ("runs", "slots", "control", "pages", "batches", "live")


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    records: int
    #: of what one subscription keeps in flight
    in_flight: int
    commit_seconds: float
    #: each per record, by collection where it is of documents
    writes: dict[str, float]
    reads: dict[str, float]
    deletes: dict[str, float]
    per_record: dict[str, float]
    #: the document written most often, and how often
    hottest: tuple[str, int]
    #: outcomes in one commit
    mean_group: float
    #: for a million records, by what is paid for
    dollars: dict[str, float]
    budgets: dict[str, float]

    def total(self, name: str) -> float:
        """What a budget is about."""
        match name:
            case "writes":
                return sum(self.writes.values())
            case "reads":
                return sum(self.reads.values())
            case "dollars":
                return sum(self.dollars.values())
            case _:
                return self.per_record[name]


@dataclass(frozen=True, slots=True)
class Bench:
    cloud: Cloud
    home: Home

    def measure(
        self,
        name: str,
        records: int,
        budgets: dict[str, float],
        *,
        concurrency: int | None = None,
        commit_seconds: float = 0.0,
    ) -> Result:
        self.cloud.limits.commit_seconds = commit_seconds
        before = self.cloud.operations
        batch = self.home.create([{"n": n} for n in range(records)], ECHO, concurrency=concurrency)
        # each message is acked after it has published what follows from it: so this is the end
        self.cloud.pushes.until_quiet()
        done = self.cloud.operations - before
        self.home.assert_whole(batch, records)
        in_flight = self.cloud.pushes.in_flight
        return result_of(name, records, in_flight, commit_seconds, done, budgets)


@contextmanager
def bench(*, threads: int, in_flight: int) -> Iterator[Bench]:
    with tempfile.TemporaryDirectory() as folder, running_cloud(in_flight=in_flight) as cloud:
        settings = Settings.from_env().model_copy(
            update={
                "engine": "google",
                "home": Path(folder),
                "threads": threads,
                "firestore_emulator_host": cloud.firestore_host,
                "pubsub_emulator_host": cloud.pubsub_host,
            }
        )
        with brought_up(settings, service_pushes=True) as up, open_fanfold(up.settings) as fanfold:
            yield Bench(cloud, Home(up.settings.home, fanfold.ports, up.settings))


def result_of(
    name: str,
    records: int,
    in_flight: int,
    commit_seconds: float,
    done: Operations,
    budgets: dict[str, float],
) -> Result:
    slots = {path: count for path, count in done.writes.items() if "/slots/" in path}
    commits = sum(slots.values()) - len(slots)  # each is made once, then added to
    path, most = done.hottest()[0]
    published, pushed = _billed(done, "topics"), _billed(done, "subscriptions")
    return Result(
        name=name,
        records=records,
        in_flight=in_flight,
        commit_seconds=commit_seconds,
        writes=_each(done.writes_by_collection(), records),
        reads=_each(done.reads, records),
        deletes=_each(done.deletes_by_collection(), records),
        per_record={
            "aggregation queries": done.calls["RunAggregationQuery"] / records,
            "publish requests": done.calls["Publish"] / records,
            "messages published": done.published.total() / records,
            "pushes": done.calls["Push"] / records,
            "bytes published": published / records,
            "bytes pushed": pushed / records,
        },
        hottest=("/".join(path.rsplit("/", 2)[1:]), most),
        mean_group=records / commits,
        dollars={
            name: PRICES[name].of(amount / records * MILLION)
            for name, amount in {
                "writes": done.written,
                "reads": done.read,
                "deletes": done.deleted,
                "bytes published": published,
                "bytes pushed": pushed,
            }.items()
        },
        budgets=budgets,
    )


def _each(counts: Counter[str], records: int) -> dict[str, float]:
    return {name: counts[name] / records for name in COLLECTIONS if counts[name]}


def _billed(done: Operations, kind: str) -> int:
    return sum(size for name, size in done.billed.items() if name.split("/")[2] == kind)


# --------------------------------------------------------------------- what is shown


def table(results: list[Result]) -> Iterator[str]:
    yield _line("", [it.name for it in results])
    yield _line("records", [f"{it.records:,}" for it in results])
    for kind in ("writes", "reads", "deletes"):
        yield _line(
            f"{kind} per record", [f"{sum(getattr(it, kind).values()):.4f}" for it in results]
        )
        for name in COLLECTIONS:
            its = [getattr(it, kind).get(name, 0.0) for it in results]
            if any(its):
                yield _line(f"  {name}", [f"{number:.4f}" for number in its])
    for name in results[0].per_record:
        digits = 0 if name.startswith("bytes") else 4
        yield _line(f"{name} per record", [f"{it.per_record[name]:.{digits}f}" for it in results])
    yield _line("outcomes in a commit, mean", [f"{it.mean_group:.1f}" for it in results])
    yield _line("the hottest document", [it.hottest[0] for it in results])
    yield _line("  its writes", [f"{it.hottest[1]:,}" for it in results])


def bill(result: Result) -> Iterator[str]:
    """With its arithmetic."""
    million = f"{MILLION:,}"
    for name, price in PRICES.items():
        is_bytes = name in result.per_record
        number = result.per_record[name] if is_bytes else sum(getattr(result, name).values())
        sum_ = f"{number:.{0 if is_bytes else 4}f} x {million} at {price}"
        yield f"  {name:<16} {sum_:<42} = ${result.dollars[name]:.4f}"
    yield f"  {'together':<16} {'':<42} = ${result.total('dollars'):.4f}"


def verdicts(result: Result) -> Iterator[str]:
    for name, is_kept in kept(result).items():
        verdict = "met" if is_kept else "MISSED"
        measured, budget = result.total(name), result.budgets[name]
        yield f"  {name:<18} {measured:8.4f}   budget {budget:<6g} {verdict}"


def kept(result: Result) -> dict[str, bool]:
    return {name: result.total(name) <= budget for name, budget in result.budgets.items()}


def _line(name: str, cells: list[str]) -> str:
    return f"{name:<32}" + "".join(f"{cell:>22}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=50, help="of the limited batch")
    parser.add_argument("--limited", type=int, default=1000, help="records of the limited batch")
    parser.add_argument("--in-flight", type=int, default=64, help="requests of a subscription")
    parser.add_argument("--threads", type=int, default=32, help="runs at once in run_flow")
    parser.add_argument("--commit-seconds", type=float, default=0.03, help="of the slow commits")
    parser.add_argument("--json", action="store_true", help="one object as the last line")
    given = parser.parse_args()
    with bench(threads=given.threads, in_flight=given.in_flight) as it:
        slow = f"commits of {given.commit_seconds * 1000:g} ms"
        results = [
            it.measure("unlimited", given.records, UNLIMITED),
            it.measure(slow, given.records, UNLIMITED, commit_seconds=given.commit_seconds),
            it.measure("limited", given.limited, LIMITED, concurrency=given.concurrency),
        ]
    print("\n".join(table(results)))
    for result in results:
        print(f"\n{result.name}: list price of a million records, without the functions' own")
        print("\n".join(bill(result)))
        print("\n".join(verdicts(result)))
    if given.json:
        told = [{**asdict(result), "kept": kept(result)} for result in results]
        print(json.dumps({"batches": told}))


if __name__ == "__main__":
    main()
