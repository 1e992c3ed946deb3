"""What has happened to a batch, on the command line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from fanfold.testing.working import until

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

PUPPET = "fanfold.testing.puppet:puppet"


def _ended(fanfold: Fanfold) -> str:
    lines = [{"id": f"r{n}", "n": n} for n in range(9)]
    bad = {"id": "bad", "do": "permanent", "message": "no such page"}
    source = fanfold.write("records.jsonl", [*lines, bad])
    return str(fanfold("run", PUPPET, source, "--json", *fanfold.small).json["batch_id"])


def test_events_are_lines_for_people(fanfold: Fanfold) -> None:
    batch = _ended(fanfold)
    lines = fanfold.inside("events", batch).out.splitlines()
    told = [re.sub(r"^ +\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", "", it) for it in lines]
    assert [it for it in told if "progress" not in it] == [
        "started       puppet",
        "first failure record 9 (bad): Permanent: no such page",
        "completed     10 of 10 records, 1 failed",
    ]


def test_each_is_a_line_of_json_and_what_was_seen_can_be_left_out(fanfold: Fanfold) -> None:
    batch = _ended(fanfold)
    every = [json.loads(it) for it in fanfold.inside("events", batch, "--json").out.splitlines()]
    kinds = [it["kind"] for it in every if it["kind"] != "progress"]
    assert kinds == ["started", "first_failure", "completed"]
    assert {(it["v"], it["batch_id"]) for it in every} == {(1, batch)}
    seen, last = (str(it["sequence"]) for it in every[-2:])
    rest = fanfold.inside("events", batch, "--json", "--after", seen).out.splitlines()
    assert [json.loads(it) for it in rest] == every[-1:]
    nothing = fanfold.inside("events", batch, "--after", last)
    assert (nothing.code, nothing.out) == (0, "")
    assert f"nothing behind number {last} has happened to {batch}" in nothing.err


def test_following_ends_with_the_batch(fanfold: Fanfold) -> None:
    gate = fanfold.folder / "gate"
    source = fanfold.write("records.jsonl", [{"do": "hang", "gate": str(gate)}])
    batch = fanfold.inside("create", PUPPET, source, "--json").json["batch_id"]
    worker = fanfold.start("worker", "--threads", "2", "--until-idle")
    following = fanfold.start("events", batch, "--follow", "--json")
    until(lambda: fanfold.inside("status", batch, "--json").json["running"] == 1)
    gate.touch()
    followed, worked = following.end(), worker.end()
    assert worked.code == 0, worked.err
    out = followed.out
    kinds = [json.loads(it)["kind"] for it in out.splitlines()]
    assert (kinds[0], kinds[-1]) == ("started", "completed")
    assert followed.code == 0


def test_a_batch_that_is_not_there_is_an_error(fanfold: Fanfold) -> None:
    _ended(fanfold)
    missing = fanfold.inside("events", "batch-0000000000000000")
    assert (missing.code, missing.out) == (2, "")
    assert "batch-0000000000000000" in missing.err
