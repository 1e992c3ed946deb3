"""Graphs on the command line: items that are batches of their own, questions and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

FLOWS = """
from fanfold import Flow, Permanent, flow

def double(n):
    if n == 3:
        raise Permanent("not three")
    return 2 * n

partial = (
    Flow("partial")
    .node("items", lambda record: list(range(record["n"])))
    .batch("double", double, distributed=True, on_failure="partial")
    .node("count", len)
    .edge("items", "double")
    .edge("double", "count")
)
strict = (
    Flow("strict")
    .node("items", lambda record: list(range(record["n"])))
    .batch("double", double, distributed=True)
    .edge("items", "double")
)

@flow
def asks(record, ctx):
    return ctx.ask(f"Is {record} fine?", schema=bool)

@flow
def twice(record, ctx):
    return [ctx.ask("One?", timeout=600, default=1), ctx.ask("Two?")]
"""


@pytest.fixture
def flows(fanfold: Fanfold) -> str:
    (fanfold.folder / "graphs.py").write_text(FLOWS)
    return "graphs.py"


def test_the_bundled_example_prints_120(fanfold: Fanfold) -> None:
    for name in ("doubling", "doubling_apart"):
        ended = fanfold("run", f"fanfold.flows.{name}", *fanfold.small)
        assert (ended.code, "120" in ended.out) == (0, True), ended.err
    listed = fanfold("list", "--json").json["batches"]
    assert len(listed) == 2, "the batch of its items is not among them"
    (items,) = fanfold("list", "--of", "last", "--json").json["batches"]
    assert items["succeeded"] == 3


def test_what_became_of_the_items_is_seen_from_above(fanfold: Fanfold, flows: str) -> None:
    source = fanfold.write("records.jsonl", [{"n": 5}, {"n": 2}])
    assert fanfold("run", f"{flows}:partial", source, *fanfold.small).code == 0
    seen = fanfold("status", "last", "--json").json
    (level,) = seen["children"]
    assert (level["node"], level["batches"]) == ("double", {"completed": 2})
    assert (level["total"], level["succeeded"], level["failed"]) == (7, 6, 1)
    assert level["errors"][0]["example"] == "not three"
    shown = fanfold("status", "last").out
    assert "7 items: 6 succeeded, 1 failed · 2 batches: 2 completed" in " ".join(shown.split())


def test_a_run_that_fails_for_its_items_says_where_they_are(fanfold: Fanfold, flows: str) -> None:
    source = fanfold.write("records.jsonl", [{"n": 5}])
    assert fanfold("run", f"{flows}:strict", source, *fanfold.small).code == 1
    told = fanfold("errors", "last").out
    assert "node double: 1 of 5 items failed, the first at 3: Permanent: not three" in told
    items = fanfold("list", "--of", "last", "--json").json["batches"][0]["batch_id"]
    assert f"fanfold errors {items}" in told.replace("\n", " ")
    refused = fanfold("retry", items, "--failed")
    assert refused.code == 1
    assert "nobody waits for it any more" in refused.err


def test_questions_are_listed_answered_and_the_run_goes_on(fanfold: Fanfold, flows: str) -> None:
    source = fanfold.write("records.jsonl", ["a", "b"])
    fanfold("create", f"{flows}:asks", source, "--interactive")
    worker = fanfold.start("worker", "--until-idle", *fanfold.small)
    worker.until(lambda: len(fanfold("answer", "--json").json["questions"]) == 2)
    asked = fanfold("answer", "last", "--json").json["questions"]
    assert [it["question"] for it in asked] == ["Is a fine?", "Is b fine?"]
    assert asked[0]["schema"] == {"type": "boolean"}
    assert "Is a fine?" in fanfold("answer").out
    assert "Is a fine? and 1 more: fanfold answer" in fanfold("status", "last").out

    wrong = fanfold("answer", "last", "0", "perhaps")
    assert (wrong.code, "is not of type" in wrong.err) == (2, True)
    assert fanfold("answer", "last", "0", "yes").code == 0
    told = fanfold("answer", "last", "1", "no", "--json").json
    assert (told["index"], told["answer"]) == (1, False)
    assert worker.end().code == 0
    results = [it["output"] for it in fanfold("results", "last").lines]
    assert results == [True, False]
    assert "nobody asks anything" in fanfold("answer").err


def test_who_watches_is_told_where_to_answer(fanfold: Fanfold, flows: str) -> None:
    source = fanfold.write("records.jsonl", ["a"])
    going = fanfold.start("run", f"{flows}:asks", source, "--interactive", *fanfold.small)
    going.until(lambda: "1 waiting, what they ask: fanfold answer batch-" in going.err)
    assert fanfold("answer", "last", "0", "yes").code == 0
    assert going.end().code == 0


def test_a_batch_that_is_not_interactive_says_why_its_runs_failed(
    fanfold: Fanfold, flows: str
) -> None:
    source = fanfold.write("records.jsonl", ["a"])
    ended = fanfold("run", f"{flows}:asks", source, *fanfold.small)
    assert ended.code == 1
    told = " ".join(fanfold("errors", "last").out.split())
    assert "it asks 'Is a fine?', and its batch is not interactive. Start it with --inter" in told


def test_which_of_several_questions_is_meant_has_to_be_said(fanfold: Fanfold, flows: str) -> None:
    source = fanfold.write("records.jsonl", ["a"])
    fanfold("create", f"{flows}:twice", source, "--interactive")
    worker = fanfold.start("worker", "--until-idle", *fanfold.small)
    worker.until(lambda: fanfold("answer", "--json").json["questions"])
    (asked,) = fanfold("answer", "last", "--json").json["questions"]
    assert (asked["name"], asked["until"] is None) == ("One?", False)
    unknown = fanfold("answer", "last", "0", "1", "--question", "Three?")
    assert (unknown.code, "has no question 'Three?'; there are: 'One?'" in unknown.err) == (
        2,
        True,
    )
    assert fanfold("answer", "last", "0", "7").code == 0
    worker.until(lambda: fanfold("answer", "--json").json["questions"])
    assert fanfold("answer", "last", "0", "eight", "--question", "Two?").code == 0
    assert worker.end().code == 0
    assert [it["output"] for it in fanfold("results", "last").lines] == [[7, "eight"]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("last", "0"), "which answer?"),
        (("--question", "One?"), "--question is for an answer"),
        (("last", "0", "yes"), "record 0 of batch-"),
        (("last", "7", "yes"), "record 7 of batch-"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    fanfold: Fanfold, given: tuple[str, ...], said: str
) -> None:
    fanfold("run", "echo", fanfold.write("records.jsonl", ["a"]), *fanfold.small)
    refused = fanfold("answer", *given)
    assert (refused.code, said in refused.err) == (2, True), refused.err
