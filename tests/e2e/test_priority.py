"""`--priority`: whose records a worker takes first; `--priority-field`: which of one batch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from fanfold.engines.embedded.engine import embedded_engine
from fanfold.ports import Ports, Station
from fanfold.testing.puppet import marks

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def are_queued(ports: Ports, runs: int) -> bool:
    return ports.queue.backlog(Station.RUNS) == runs


@pytest.mark.parametrize(("long", "short"), [("low", "high"), ("low", None), (None, "high")])
def test_a_batch_of_a_higher_class_that_comes_behind_a_long_one_ends_first(
    fanfold: Fanfold, long: str | None, short: str | None
) -> None:
    gate, log = fanfold.folder / "gate", fanfold.folder / "log"
    logged = {"log": str(log)}
    opening = {"do": "hang", "gate": str(gate), **logged}
    fanfold.write("long.jsonl", [opening, *[{"do": "ok", **logged}] * 200])
    fanfold.write("short.jsonl", [{"do": "ok", **logged}] * 3)
    worker = fanfold.start("worker", "--processes", "1", "--threads", "1")

    with embedded_engine(fanfold.home) as ports:
        for source, priority, queued in (("long.jsonl", long, 201), ("short.jsonl", short, 204)):
            options = [] if priority is None else ["--priority", priority]
            fanfold.inside("create", fanfold.puppet, source, *options)
            worker.until(partial(are_queued, ports, queued))
    gate.touch()
    worker.until(lambda: all(it["status"] == "completed" for it in fanfold.batches()))

    begun = [it.index for it in marks(log) if it.what == "start"]
    assert (len(begun), begun[-1]) == (204, 200), "the long one's last record is the last of all"


def test_the_records_of_a_batch_run_by_their_own_priority(fanfold: Fanfold) -> None:
    log = fanfold.folder / "log"
    levels = [0, 3, 9, None, 3, 9, 1]
    records = [
        {"do": "ok", "log": str(log), **({} if level is None else {"why": {"urgency": level}})}
        for level in levels
    ]
    fanfold.write("records.jsonl", records)
    given = ["records.jsonl", "--priority-field", "why.urgency", "--concurrency", "1"]
    ended = fanfold("run", fanfold.puppet, *given, "--processes", "1", "--threads", "1")
    assert ended.code == 0, ended.err
    begun = [it.index for it in marks(log) if it.what == "start"]
    assert begun == [2, 5, 1, 4, 6, 0, 3]
    assert "priority-field why.urgency" in fanfold("status", "last").out


def test_a_priority_of_a_record_that_is_none_is_refused_with_its_line(fanfold: Fanfold) -> None:
    given = ["create", "echo", "-", "--priority-field", "urgency"]
    refused = fanfold.inside(*given, stdin='{"urgency": 1}\n{"urgency": "high"}\n')
    assert refused.code == 2
    assert "standard input:2: the priority in 'urgency' is \"high\", and must be" in refused.err
    assert fanfold.batches() == []


def test_an_unknown_class_is_refused_with_those_there_are(fanfold: Fanfold) -> None:
    refused = fanfold.inside("create", "echo", "-", "--priority", "urgent", stdin="1\n")
    assert refused.code == 2
    assert "'high', 'normal', 'low'" in refused.err
