"""What flows spend, and batches that are held before they spend more: by the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_what_a_flow_spends_is_counted_with_each_attempt(fanfold: Fanfold) -> None:
    records = [{"dollars": 0.1}] * 8 + [{"dollars": 0.1, "bad": True}]
    ended = fanfold("run", fanfold.flow("spends"), fanfold.write("r.jsonl", records), "--json",
                    *fanfold.small)  # fmt: skip
    assert (ended.code, ended.json["succeeded"]) == (0, 9)
    status = fanfold.inside("status", "last", "--json").json
    assert (status["spent"], status["attempts"]) == (1.0, 10)
    assert "$1.00" in fanfold.inside("status", "last").out


@pytest.mark.parametrize("isolation", ["none", "process"])
def test_a_batch_ends_when_it_has_spent_more_than_it_may(fanfold: Fanfold, isolation: str) -> None:
    fanfold.write_text(
        "pays.py",
        "from fanfold import flow\n"
        f"@flow(isolation={isolation!r})\n"
        "def pays(record, ctx):\n"
        "    ctx.spend(1)\n",
    )
    source = fanfold.write("r.jsonl", [1] * 50)
    given = ("--max-spend", "5", "--concurrency", "2", "--json", "--processes", "1")
    ended = fanfold("run", "pays.py:pays", source, *given)
    assert (ended.code, ended.json["status"]) == (1, "failed")
    assert 6 <= ended.json["succeeded"] <= 8
    assert ended.json["skipped"] == 50 - ended.json["succeeded"]
    assert "max_spend is $5.00" in ended.err


def test_a_canary_that_fails_pauses_the_batch_and_resuming_goes_on(fanfold: Fanfold) -> None:
    records = [{"id": it, "do": "error" if it == "b" else "ok"} for it in "abcdefgh"]
    source = fanfold.write("r.jsonl", records)
    given = ("--canary", "3", "--retries", "0", "--json", *fanfold.small)

    held = fanfold("run", fanfold.puppet, source, *given)

    assert (held.code, held.json["status"]) == (1, "paused")
    assert (held.json["succeeded"], held.json["failed"], held.json["queued"]) == (2, 1, 5)
    assert "1 of the first 3 records failed" in held.err
    assert "fanfold resume" in held.err
    for command in (("attach", "last", *fanfold.small), ("wait", "last")):
        again = fanfold(*command)
        assert (again.code, "1 of the first 3 records failed" in again.err) == (1, True)
    assert "is running" in fanfold("resume", "last").err
    ended = fanfold("attach", "last", "--json", *fanfold.small)
    assert (ended.code, ended.json["succeeded"], ended.json["failed"]) == (0, 7, 1)


def test_one_that_succeeds_is_not_noticed(fanfold: Fanfold) -> None:
    source = fanfold.write("r.jsonl", list(range(30)))
    ended = fanfold("run", "echo", source, "--canary", "5", "--json", *fanfold.small)
    assert (ended.code, ended.json["succeeded"]) == (0, 30)
