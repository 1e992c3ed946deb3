"""`--rate`: how many attempts begin per time, over all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fanfold.engines.embedded.engine import embedded_engine

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_processes_share_a_rate(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "sleep", "seconds": 0.001}] * 30)

    given = ("--rate", "1800/min", "--processes", "2", "--threads", "4")
    ended = fanfold("run", fanfold.puppet, source, *given)

    assert ended.code == 0, ended.err
    (seen,) = fanfold.batches()
    with embedded_engine(fanfold.home) as ports:
        batch = ports.batches.get(seen["batch_id"])
        begun = sorted(it.started_at for it in ports.runs.read(batch.id, range(30)).values())
    assert len(begun) == 30
    for number, at in enumerate(begun):
        assert at >= batch.created_at + number / 30 - 0.002


def test_it_is_told_with_the_limit_that_came_of_it(fanfold: Fanfold) -> None:
    fanfold.inside("create", "echo", "-", "--rate", "10/s", stdin="1\n2\n")
    assert "concurrency 200 · rate 10/s" in fanfold.inside("status", "last").out
    seen = fanfold.inside("status", "last", "--json").json["options"]
    assert (seen["rate"], seen["concurrency"]) == ("10/s", 200)


def test_it_is_changed_while_the_batch_runs(fanfold: Fanfold) -> None:
    fanfold.inside("create", "echo", "-", "--rate", "1/h", stdin="1\n2\n3\n")
    changed = fanfold.inside("set", "last", "rate=20/s", "--json").json
    assert (changed["rate"], changed["concurrency"]) == ("20/s", 400)
    assert fanfold("worker", "--until-idle", "--threads", "2").code == 0
    assert fanfold.batches()[0]["succeeded"] == 3


def test_a_batch_that_has_ended_is_retried_with_another(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "error"}] * 2)
    fanfold("run", fanfold.puppet, source, "--retries", "0", *fanfold.small)
    retried = fanfold.inside("retry", "last", "--failed", "--rate", "5/s")
    assert retried.code == 0, retried.err
    seen = fanfold.inside("status", "last", "--json").json["options"]
    assert (seen["rate"], seen["concurrency"]) == ("5/s", 100)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("0/s", "option rate: must let something begin: to hold a batch, pause it, not '0/s'"),
        ("-3/s", "option rate: must be a number of attempts per time, such as 10/s, 600/min"),
        ("fast", "option rate: must be a number of attempts per time, such as 10/s, 600/min"),
    ],
)
def test_nonsense_is_refused_with_the_way_out(fanfold: Fanfold, rate: str, said: str) -> None:
    for command in (["create", "echo", "-"], ["estimate", "echo", "-"]):
        refused = fanfold.inside(*command, f"--rate={rate}", stdin="1\n")
        assert refused.code == 2
        assert said in refused.err
    fanfold.inside("create", "echo", "-", "--rate", "1/s", stdin="1\n")
    refused = fanfold.inside("set", "last", f"rate={rate}")
    assert refused.code == 2
    assert said.removeprefix("option rate: ").partition(", not")[0] in refused.err
