"""`fanfold create` and `fanfold worker`: batches that somebody else works on."""

from __future__ import annotations

import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

BATCH_ID = re.compile(r"batch-[a-z2-7]{16}")


def test_create_prints_the_id_and_how_to_go_on(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [1, 2])

    plain = fanfold("create", "echo", source)
    as_json = fanfold.inside("create", "echo", source, "--json", "--quiet")

    assert BATCH_ID.fullmatch(plain.out.strip())
    assert "fanfold worker --until-idle" in plain.err
    assert f"fanfold attach {plain.out.strip()}" in plain.err
    assert list(as_json.json) == ["batch_id"]
    assert as_json.err == ""
    assert [it["status"] for it in fanfold.batches()] == ["pending", "pending"]


def test_create_takes_what_run_takes(fanfold: Fanfold) -> None:
    given = {
        "--concurrency": "7",
        "--rate": "600/min",
        "--max-records": "2",
        "--error-policy": "continue",
        "--max-failures": "3%",
        "--deadline": "2h",
        "--max-spend": "2.5",
        "--canary": "3",
        "--key": "k",
        "--param": "a=1",
        "--retries": "4",
        "--timeout": "9",
        "--priority": "high",
        "--label": "later",
        "--tag": "t",
        "--manager": "group:editors",
        "--monitor": "all",
        "--request-id": "r",
    }
    fanfold.write_text("more.json", '{"b": 2}')
    before = fanfold.inside("create", "echo", "-", "--json", stdin="1\n").json["batch_id"]
    options = [it for pair in given.items() for it in pair]
    options += ["--interactive", "--after", before, "--after-any-end"]

    for _ in range(2):
        fanfold.inside("create", "echo", "-", *options, "--params", "more.json", stdin="1\n2\n3\n")

    batch, _ = fanfold.batches()
    seen = fanfold.inside("status", batch["batch_id"], "--json").json["options"]
    assert seen == {
        "concurrency": 7,
        "rate": "600/min",
        "max_records": 2,
        "error_policy": "continue",
        "max_failures": "3%",
        "max_spend": 2.5,
        "canary": 3,
        "deadline": 7200.0,
        "key": "k",
        "parameters": {"a": 1, "b": 2},
        "retries": 4,
        "timeout": 9.0,
        "priority": "high",
        "label": "later",
        "tags": ["t"],
        "managers": ["group:editors"],
        "monitors": ["all"],
        "shuffle": False,
        "seed": None,
        "priority_field": None,
        "unique_keys": False,
        "select": {},
        "grid": {},
        "interactive": True,
        "after": [before],
        "after_on": "end",
    }


@pytest.mark.parametrize("processes", ["1", "2"])
def test_until_idle_works_on_every_batch_and_ends(fanfold: Fanfold, processes: str) -> None:
    for _ in range(2):
        fanfold.inside("create", "echo", "-", stdin="1\n2\n3\n")

    worker = fanfold("worker", "--processes", processes, "--threads", "2", "--until-idle")

    assert worker.code == 0, worker.err
    assert f"at work for {fanfold.home}" in worker.err
    assert [(it["status"], it["succeeded"]) for it in fanfold.batches()] == [("completed", 3)] * 2


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_told_to_stop_finishes_what_runs(fanfold: Fanfold, processes: str) -> None:
    gate, log = fanfold.folder / "gate", fanfold.folder / "log"
    fanfold.write("records.jsonl", [{"gate": str(gate), "log": str(log)}] * 5)
    fanfold.inside("create", fanfold.flow("gated"), "records.jsonl", "--concurrency", "2")

    worker = fanfold.start("worker", "--processes", processes, "--threads", "2")
    worker.until(lambda: log.exists() and log.read_text().count("begun") == 2)
    worker.interrupt(signal.SIGTERM)
    worker.until(lambda: "finishing" in worker.err)
    gate.touch()

    assert worker.end().code == 0
    done = log.read_text().count("done")
    assert done == log.read_text().count("begun")
    assert [it["succeeded"] for it in fanfold.batches()] == [done]


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_worker_told_twice_ends_at_once(fanfold: Fanfold, processes: str) -> None:
    log = fanfold.folder / "log"
    fanfold.write("records.jsonl", [{"gate": "never", "log": str(log)}])
    fanfold.inside("create", fanfold.flow("gated"), "records.jsonl")

    worker = fanfold.start("worker", "--processes", processes, "--threads", "1", "--verbose")
    worker.until(log.exists)
    worker.interrupt()
    worker.until(lambda: "finishing what runs; Ctrl-C again ends now" in worker.err)
    worker.interrupt()

    assert worker.end().code == 130
    assert fanfold.batches()[0]["status"] == "running"


def test_verbose_shows_what_goes_well_too(fanfold: Fanfold) -> None:
    batch_id = fanfold.inside("create", "echo", "-", stdin="1\n").out.strip()

    worker = fanfold("worker", "--until-idle", "--verbose")

    assert f"fanfold: batch.ended: completed (batch_id={batch_id})" in worker.err


def test_a_flow_that_cannot_be_loaded_is_told_of_and_its_batch_waits(fanfold: Fanfold) -> None:
    place = fanfold.write_text("gone.py", "from fanfold import flow\n@flow\ndef f(r): return r\n")
    fanfold.inside("create", place, "-", stdin="1\n")
    (fanfold.folder / "gone.py").rename(fanfold.folder / "back.py")

    worker = fanfold.start("worker")
    worker.until(lambda: "fanfold: flow.unloadable: " in worker.err)
    worker.interrupt()

    assert worker.end().code == 0
    assert fanfold.batches()[0]["failed"] == 0
    (fanfold.folder / "back.py").rename(fanfold.folder / "gone.py")
    assert fanfold("attach", "last", *fanfold.small).code == 0


def test_a_tethered_worker_drains_when_its_parent_is_gone(fanfold: Fanfold) -> None:
    process = subprocess.Popen(
        fanfold.command("worker", "--tethered"),
        cwd=fanfold.folder,
        env=fanfold.env(),
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.close()

    assert process.wait() == 0
