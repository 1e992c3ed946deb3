"""`fanfold estimate`: what it tells, what it refuses, and whether it is true."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fanfold.domain.cost import Workload, operations_of
from fanfold.local.up import brought_up
from fanfold.settings import Settings
from fanfold.testing.cloud import Operations, running_cloud
from fanfold.testing.home import Home
from fanfold.wiring import open_fanfold

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

ECHO = "fanfold.flows.echo:echo"


def test_it_reads_the_source_and_stores_nothing(fanfold: Fanfold) -> None:
    told = fanfold.inside("estimate", "echo", "-", "--json", stdin='{"n": 1}\n{"n": 22}\n').json

    assert (told["records"], told["runs"], told["bytes_per_record"]) == (2, 2, 8.5)
    assert told["dollars"] == pytest.approx(sum(line["dollars"] for line in told["lines"]))
    assert 0.9 < told["dollars_per_million"] < 2
    assert told["naive_dollars_per_million"] == 4.5
    assert told["prices"]["region"] == "us-central1"
    assert not fanfold.home.exists()


def test_the_options_of_the_batch_count(fanfold: Fanfold) -> None:
    records = "".join(f"{n}\n" for n in range(50))
    arguments = ["--max-records", "20", "--grid", "a=[1,2,3]", "--concurrency", "4"]
    told = fanfold.inside("estimate", "echo", "-", "--json", *arguments, stdin=records).json

    assert (told["records"], told["runs"]) == (20, 60)
    assert told["operations"]["writes"]["control"] > 1


def test_a_rate_says_how_long_it_takes_at_least(fanfold: Fanfold) -> None:
    arguments = ["estimate", "echo", "--records", "36001", "--rate", "600/min"]
    assert fanfold.inside(*arguments, "--json").json["least_seconds"] == pytest.approx(3600.0)
    assert "takes at least 1 h 00 min" in fanfold.inside(*arguments).err
    free = fanfold.inside("estimate", "echo", "--records", "5", "--json").json
    assert free["least_seconds"] is None


def test_a_flow_that_folds_costs_its_reads(fanfold: Fanfold) -> None:
    flow = fanfold.flow("sums")
    told = fanfold.inside("estimate", flow, "--records", "1000000", "--json").json
    plain = fanfold.inside("estimate", "echo", "--records", "1000000", "--json").json

    assert told["dollars"] - plain["dollars"] == pytest.approx(0.30, abs=0.01)


def test_what_if_needs_no_source(fanfold: Fanfold) -> None:
    arguments = ["--records", "1000000", "--bytes-per-record", "5000", "--seconds-per-record", "2"]
    ended = fanfold.inside("estimate", "echo", *arguments)

    assert ended.code == 0
    assert "for a million such records" in ended.out
    assert "vCPU-seconds" in ended.out
    for said in ("list prices of", "assumed: each record is tried once", "left out: the free tier"):
        assert said in ended.err


def test_records_and_a_source_are_one_too_many(fanfold: Fanfold) -> None:
    ended = fanfold.inside("estimate", "echo", "-", "--records", "5")

    assert ended.code == 2
    assert "leave it out, or the source" in ended.err


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["{flow:priced}", "-"], '{"name": "tea", "price": "much"}\n', "standard input:1"),
        (["echo", "-"], "{bad}\n", "standard input:1: not JSON"),
        (["nowhere", "-"], "", "no flow named 'nowhere'"),
        (["echo", "-", "--concurrency", "0"], "1\n", "option concurrency"),
        (["echo", "absent.jsonl"], "", "absent.jsonl: no such file"),
        (["nowhere", "--records", "5"], "", "no flow named 'nowhere'"),
    ],
)
def test_what_would_be_refused_is_refused(
    fanfold: Fanfold, arguments: list[str], stdin: str, said: str
) -> None:
    given = [fanfold.flow(it[6:-1]) if it.startswith("{flow:") else it for it in arguments]
    ended = fanfold.inside("estimate", *given, stdin=stdin)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


#: How far the estimate may be off what is counted, and by how many operations it may be anyway.
#: Messages are exact. How many outcomes gather in a commit, how often a process asks whether all is
#: done, and how often a limit's window is looked at depend on the machine.
TOLERANCE = {
    "messages": (0.0, 0),
    "writes": (0.10, 5),
    "reads": (0.30, 20),
    "deletes": (0.0, 1),
    "publish requests": (0.30, 5),
    "bytes published": (0.03, 5000),
    "bytes pushed": (0.0, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [None, 32], ids=["unlimited", "limited"])
def test_the_estimate_is_what_is_counted(tmp_path: Path, concurrency: int | None) -> None:
    records = [{"n": n, "text": "x" * 100} for n in range(400)]
    done = _counted(tmp_path, records, concurrency)
    mean = sum(len(f'{{"n": {it["n"]}, "text": "{it["text"]}"}}') for it in records) / len(records)
    estimated = operations_of(
        Workload(records=len(records), record_bytes=mean, concurrency=concurrency)
    )
    pairs = {
        "messages": (estimated.messages + estimated.events, done.published.total()),
        "writes": (sum(estimated.writes.values()), done.written),
        "reads": (sum(estimated.reads.values()), done.read),
        "deletes": (sum(estimated.deletes.values()), done.deleted),
        "publish requests": (estimated.publish_requests, done.calls["Publish"]),
        "bytes published": (estimated.bytes_published, _billed(done.billed, "topics")),
        "bytes pushed": (estimated.bytes_pushed, _billed(done.billed, "subscriptions")),
    }
    off = {
        name: (ahead, counted)
        for name, (ahead, counted) in pairs.items()
        if abs(ahead - counted) > TOLERANCE[name][0] * counted + TOLERANCE[name][1]
    }
    assert off == {}, pairs
    assert estimated.writes["runs"] == done.writes_by_collection()["runs"] == len(records)


def _counted(folder: Path, records: list[dict[str, object]], concurrency: int | None) -> Operations:
    with running_cloud() as cloud:
        settings = Settings.from_env().model_copy(
            update={
                "engine": "google",
                "home": folder,
                "firestore_emulator_host": cloud.firestore_host,
                "pubsub_emulator_host": cloud.pubsub_host,
            }
        )
        cloud.limits.commit_seconds = 0.03  # as in the cloud: so outcomes gather
        with brought_up(settings, service_pushes=True) as up, open_fanfold(up.settings) as fanfold:
            home = Home(up.settings.home, fanfold.ports, up.settings)
            before = cloud.operations
            batch = home.create(records, ECHO, concurrency=concurrency)
            cloud.pushes.until_quiet()
            done = cloud.operations - before
            home.assert_whole(batch, len(records))
            return done


def _billed(billed: Counter[str], kind: str) -> int:
    return sum(size for name, size in billed.items() if name.split("/")[2] == kind)
