"""A record that goes wrong fails by itself, with the reason; its siblings go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_each_kind_of_failure_is_told_and_siblings_go_on(fanfold: Fanfold) -> None:
    fates = ["ok", "unserialisable", "ok", "error", "ok", "kill", "ok", "exit", "ok"]
    source = fanfold.write("records.jsonl", [{"id": it, "do": it} for it in fates])
    given = ("--retries", "0", "--out", "results.jsonl", "--json")

    ended = fanfold("run", fanfold.puppet, source, *given, *fanfold.small)

    assert ended.code == 0, ended.err
    assert (ended.json["succeeded"], ended.json["failed"]) == (5, 4)
    lines = fanfold.read("results.jsonl")
    assert [it["key"] for it in lines] == fates
    errors = {it["key"]: it["error"]["message"] for it in lines if it["error"]}
    assert set(errors) == {"unserialisable", "error", "kill", "exit"}
    assert "output.broken[0]: a value of type object" in errors["unserialisable"]
    assert errors["error"] == "scripted error"
    assert "SIGKILL" in errors["kill"]
    assert "exited with code 3" in errors["exit"]


def test_records_that_kill_their_process_never_exhaust_the_workers(fanfold: Fanfold) -> None:
    """Six deaths in a row: more than workers that die before they work are given."""
    source = fanfold.write("records.jsonl", [{"do": "kill"}] * 3 + [{"do": "ok"}])
    given = ("--concurrency", "1", "--retries", "0", "--json")

    ended = fanfold("run", fanfold.puppet, source, *given, *fanfold.small)

    assert ended.code == 0, ended.err
    assert (ended.json["succeeded"], ended.json["failed"]) == (1, 3)


def test_workers_that_cannot_start_are_told_of_and_the_batch_is_kept(fanfold: Fanfold) -> None:
    fanfold.write_text(
        "sitecustomize.py",
        "import os, sys\n"
        "if '--tethered' in sys.orig_argv:\n"
        "    os.write(2, b'no luck here\\n')\n"
        "    os._exit(7)\n",
    )
    source = fanfold.write("records.jsonl", [1])

    ended = fanfold("run", "echo", source, *fanfold.small, PYTHONPATH=str(fanfold.folder))

    assert ended.code == 1
    assert "no luck here" in ended.err
    assert "fanfold: worker.died: exited with 7 (pid=" in ended.err
    assert "the worker processes keep dying before they work" in ended.err
    (batch,) = fanfold.batches()
    assert f"fanfold attach {batch['batch_id']}" in ended.err
    assert fanfold("attach", "last", *fanfold.small).code == 0
