"""`fanfold logs`: what has become of a record, and what its flow has written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

FLOWS = """\
from fanfold import flow

@flow(retries=0)
def price(record, ctx):
    if record["n"] == 0:
        return 0
    ctx.log("asking", level="warning", n=record["n"])
    return 1 / (record["n"] - 2)
"""


@pytest.fixture(scope="module")
def told(shared_fanfold: Fanfold) -> Fanfold:
    """Of four records the first says nothing, and the third fails."""
    fanfold = shared_fanfold
    fanfold.write_text("priced.py", FLOWS)
    source = fanfold.write("priced.jsonl", [{"id": f"r{n}", "n": n} for n in range(4)])
    assert fanfold("run", "priced.py:price", source, "--quiet", *fanfold.small).code == 0
    return fanfold


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_record_is_told_from_its_beginning_to_where_it_failed(told: Fanfold) -> None:
    ended = told.inside("logs", "last", "r2")
    title, *rest = ended.out.splitlines()
    assert title.startswith("record 2 (r2) of batch-")
    assert ": failed, 1 attempt, " in title
    assert [line.split()[2] for line in rest[:4]] == ["created", "started", "warning", "failed"]
    assert rest[2].endswith("asking  n=2")
    assert rest[4].strip() == "Traceback (most recent call last):"
    assert rest[-1].strip() == "ZeroDivisionError: division by zero"
    assert told.inside("logs", "last", "2").out == ended.out, "an index names it too"


def test_without_a_record_all_that_failed_or_wrote_anything_are_told(told: Fanfold) -> None:
    shown = told.inside("logs", "last").out
    assert [it.split()[1] for it in shown.splitlines() if it.startswith("record")] == [*"123"]
    every = lines(told.inside("logs", "last", "--json").out)
    assert [(it["index"], it["key"], it["status"]) for it in every] == [
        (1, "r1", "succeeded"), (2, "r2", "failed"), (3, "r3", "succeeded"),
    ]  # fmt: skip
    (entry,) = every[0]["log"]
    assert (entry["code"], entry["level"], entry["fields"]) == ("log", "warning", {"n": 1})
    assert every[1]["error"]["type"] == "ZeroDivisionError"
    assert every[1]["traceback"].startswith("Traceback")


def test_a_run_is_named_by_its_own_id_too(told: Fanfold) -> None:
    (by_key,) = lines(told.inside("logs", "last", "r3", "--json").out)
    assert [it["code"] for it in by_key["log"]] == ["created", "started", "log", "succeeded"]
    assert lines(told.inside("logs", by_key["run_id"], "--json").out) == [by_key]
    refused = told.inside("logs", by_key["run_id"], "3")
    assert (refused.code, refused.out) == (2, "")
    assert "it has no records" in refused.err


def test_what_is_not_there_is_said(told: Fanfold) -> None:
    missing = told.inside("logs", "last", "nobody")
    assert missing.code == 2
    assert "has no record 'nobody': name one by an index below 4, or a key" in missing.err


def test_a_batch_in_which_nothing_was_written_says_so(fanfold: Fanfold) -> None:
    assert fanfold("run", fanfold.flow("sums"), "--quiet", *fanfold.small).code == 0
    silent = fanfold("logs", "last")
    assert (silent.code, silent.out) == (0, "")
    assert "has failed or written anything, of 4 records" in silent.err
