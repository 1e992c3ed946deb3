"""The google engine with workers that pull: `--delivery pull`, on real emulators."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.standing import FEW, GOOGLE, Gated, Started, Up, processes, until

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

pytestmark = [pytest.mark.usefixtures("bare"), pytest.mark.slow]

PULL = ("--delivery", "pull")


@pytest.fixture(scope="class")
def up(can_start: None, shared_fanfold: Fanfold) -> Iterator[Up]:  # noqa: ARG001  first
    up = Up(shared_fanfold, *PULL, "--processes", "2")
    yield up
    if up.going.process.poll() is None:
        up.end(signal.SIGTERM)


class TestWhileItIsUp:
    """In order, with one `up`; the last one ends it."""

    def test_it_tells_of_the_workers_and_serves_no_function(self, up: Up) -> None:
        assert len(up.started.programs) == 2 + 2 + 1, "emulators, workers, and a guard"
        for name in ("firestore emulator", "pubsub emulator", "worker 1", "worker 2"):
            assert f"\n{name} " in up.going.err
        assert up.told["functions"] == {}

    def test_a_run_completes_with_a_certificate_that_holds(self, up: Up) -> None:
        source = up.fanfold.write("thirty.jsonl", [{"id": n} for n in range(30)])

        ran = up.fanfold("run", "echo", source, *GOOGLE, "--json")

        assert ran.code == 0, ran.err
        assert (ran.json["status"], ran.json["succeeded"]) == ("completed", 30)
        assert f"the workers that process {up.told['pid']} has up" in ran.err
        verified = up.fanfold.inside("verify", ran.json["batch_id"], *GOOGLE, "--json")
        assert (verified.json["holds"], verified.json["recounted_succeeded"]) == (True, 30)

    def test_what_settling_took_can_be_looked_at(self, up: Up) -> None:
        seen = up.fanfold.inside("status", "last", *GOOGLE, "--engine-stats", "--json").json
        told = seen["engine_stats"]
        assert told["commits"] >= 1
        assert told["outcomes_per_commit"] == pytest.approx(30 / told["commits"])
        assert (told["slots"], told["repeats"], told["halvings"]) == (64, 0, 0)
        assert 1 <= told["slots_used"] <= 2
        shown = up.fanfold.inside("status", "last", *GOOGLE, "--engine-stats").out
        assert "of 64 slots" in shown
        assert "slots" not in up.fanfold.inside("status", "last", *GOOGLE).out

    def test_another_worker_may_join(self, up: Up) -> None:
        worked = up.fanfold.inside("worker", "--until-idle", *GOOGLE, *FEW)
        assert worked.code == 0, worked.err

    def test_a_worker_that_is_killed_is_started_again(self, up: Up) -> None:
        def workers() -> list[int]:
            own = [row for row in processes() if row["parent"] == up.going.process.pid]
            return [int(row["pid"]) for row in own if "--tethered" in row["program"]]

        before = workers()
        os.kill(before[0], signal.SIGKILL)
        until(lambda: len(workers()) == 2 and before[0] not in workers())
        source = up.fanfold.write("three.jsonl", [1, 2, 3])

        ran = up.fanfold("run", "echo", source, *GOOGLE, "--json")

        assert (ran.code, ran.json["succeeded"]) == (0, 3), ran.err
        up.started = Started(up.going)

    def test_ctrl_c_stops_everything_it_started(self, up: Up) -> None:
        ended = up.end(signal.SIGINT)

        assert ended.code == 0, ended.err
        assert up.started.left() == []
        assert not (up.fanfold.home / "up.json").exists()


@pytest.mark.usefixtures("can_start")
def test_a_run_brings_up_workers_and_stops_them(fanfold: Fanfold) -> None:
    gated = Gated(fanfold, "own", FANFOLD_DELIVERY="pull")
    standing = json.loads((fanfold.home / "up.json").read_text())
    started = Started(gated.going, standing["firestore"], standing["pubsub"])
    gated.gate.touch()
    ended = gated.going.end()

    assert ended.code == 0, ended.err
    assert "workers of its own" in ended.err
    assert [it["output"] for it in fanfold.read("own.out")] == ["through"] * 2
    assert any("--tethered" in program for program in started.programs)
    assert started.left() == []


@pytest.mark.usefixtures("can_start")
def test_the_google_engine_is_measured_beside_the_bare_services(fanfold: Fanfold) -> None:
    done = fanfold("bench", "--records", "800", *GOOGLE, *PULL, "--workers", "1", "--json")

    assert done.code == 0, done.err
    found = done.json
    assert (found["engine"], found["delivery"], found["records"]) == ("google", "pull", 800)
    assert found["bare_records_per_second"] > 0
    assert found["results_read_per_record"] == 1.0, "the fold reads each once"
    assert 1.0 < found["writes_per_record"] < 1.2
    assert 0.0 < found["publishes_per_record"] < 0.1
    assert fanfold.batches() == []


def test_workers_are_counted_where_there_are_workers(fanfold: Fanfold) -> None:
    up = fanfold.inside("up", *GOOGLE, "--processes", "2")
    bench = fanfold.inside("bench", *GOOGLE, "--delivery", "push", "--workers", "2")
    own = fanfold.inside("bench", "--delivery", "pull")

    assert (up.code, bench.code, own.code) == (2, 2, 2)
    assert "--delivery pull" in up.err
    assert "--delivery pull" in bench.err
    assert "add --engine google" in own.err
