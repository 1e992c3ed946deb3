"""A batch in the hand, on the command line: budgets, deadlines, pause, resume, set, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.standing import until

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_a_batch_that_may_fail_twice_ends_at_the_third_and_the_rest_is_skipped(
    fanfold: Fanfold,
) -> None:
    source = fanfold.write("records.jsonl", [{"do": "error"}] * 50)
    given = ("--retries", "0", "--max-failures", "2", "--concurrency", "1", "--json")

    ended = fanfold("run", fanfold.puppet, source, *given, *fanfold.small)

    assert ended.code == 1
    assert (ended.json["status"], ended.json["failed"], ended.json["skipped"]) == ("failed", 3, 47)
    assert "3 records failed, and max_failures is 2" in ended.err


def test_with_the_policy_stop_the_first_failure_ends_it(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "ok"}, {"do": "error"}, {"do": "ok"}])
    given = ("--retries", "0", "--error-policy", "stop", "--concurrency", "1", "--json")

    ended = fanfold("run", fanfold.puppet, source, *given, *fanfold.small)

    assert ended.code == 1
    assert (ended.json["succeeded"], ended.json["failed"], ended.json["skipped"]) == (1, 1, 1)


def test_at_its_deadline_a_batch_expires_with_the_results_it_has(fanfold: Fanfold) -> None:
    gate = fanfold.folder / "gate"
    held = {"gate": str(gate), "log": str(fanfold.folder / "log")}
    source = fanfold.write("records.jsonl", [held] * 3)

    ended = fanfold("run", fanfold.flow("gated"), source, "--deadline", "1s", *fanfold.small)

    assert ended.code == 3, ended.err
    assert "its deadline has passed" in ended.err
    seen = fanfold("status", "last", "--json").json
    assert (seen["status"], seen["skipped"]) == ("expired", 3)


def test_a_paused_batch_stays_as_it_is_until_it_is_resumed(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [1, 2, 3])
    fanfold("create", "echo", source)
    held = fanfold("pause", "last", "--json").json
    assert (held["status"], held["total"]) in [("paused", 0), ("paused", 3)]

    worked = fanfold("worker", "--until-idle", "--threads", "2")
    assert worked.code == 0, "what is paused is not waited for"
    assert fanfold("status", "last", "--json").json["succeeded"] == 0

    resumed = fanfold("resume", "last")
    assert "is running" in resumed.err
    attached = fanfold("attach", "last", "--json", *fanfold.small)
    assert (attached.code, attached.json["succeeded"]) == (0, 3)


def test_a_limit_is_changed_while_it_runs(fanfold: Fanfold) -> None:
    gate, log = fanfold.folder / "gate", fanfold.folder / "log"
    source = fanfold.write("records.jsonl", [{"gate": str(gate), "log": str(log)}] * 6)
    run = ("run", fanfold.flow("gated"), source, "--concurrency", "1", "--threads", "6", "--json")
    going = fanfold.start(*run, "--processes", "1")
    going.until(log.exists)
    assert fanfold.inside("status", "last", "--json").json["running"] == 1

    changed = fanfold.inside("set", "last", "concurrency=4", "max_failures=3%", "--json").json

    assert (changed["concurrency"], changed["max_failures"]) == (4, "3%")
    until(lambda: fanfold.inside("status", "last", "--json").json["running"] == 4)
    gate.touch()
    assert going.end().json["succeeded"] == 6


def test_what_is_said_of_a_batch_is_changed_when_it_has_ended_too(fanfold: Fanfold) -> None:
    fanfold("run", "echo", fanfold.write("one.jsonl", [1]), "--label", "old", *fanfold.small)
    told = fanfold("set", "last", "label=new", "tags=a,b", "monitors=ann,group:ops", "--json").json
    assert (told["label"], told["tags"], told["status"]) == ("new", ["a", "b"], "completed")
    assert told["monitors"] == ["ann", "group:ops"]
    assert "label new · tags a, b" in fanfold("set", "last", "monitors=none").err
    assert fanfold("set", "last", "label=none", "tags=none", "--json").json["tags"] == []
    assert "cannot change any more" in fanfold("set", "last", "label=x", "rate=1/s").err


def test_a_cancel_with_grace_lets_what_runs_finish(fanfold: Fanfold) -> None:
    gate, log = fanfold.folder / "gate", fanfold.folder / "log"
    source = fanfold.write("records.jsonl", [{"gate": str(gate), "log": str(log)}] * 4)
    run = ("run", fanfold.flow("gated"), source, "--concurrency", "1", "--json", *fanfold.small)
    going = fanfold.start(*run)
    going.until(log.exists)
    canceling = fanfold.start("cancel", "last", "--grace", "2s", "--json")
    until(lambda: fanfold.inside("status", "last", "--json").json["status"] == "paused")
    gate.touch()
    canceled = canceling.end()
    ended = going.end()

    assert canceled.code == 0, canceled.err
    assert (canceled.json["succeeded"], canceled.json["canceled"]) == (1, 3)
    assert (ended.code, ended.json["status"]) == (3, "canceled")


def test_single_runs_are_canceled_by_age(fanfold: Fanfold) -> None:
    gate, log = fanfold.folder / "gate", fanfold.folder / "log"
    held = {"gate": str(gate), "log": str(log)}
    one = fanfold.start("run", fanfold.flow("gated"), fanfold.write("one.jsonl", [held]))
    one.until(log.exists)
    fanfold("create", "echo", fanfold.write("two.jsonl", [1, 2]))

    young = fanfold.inside("cancel", "--running-longer-than", "1h", "--json").json
    old = fanfold.inside("cancel", "--running-longer-than", "0s", "--json").json

    assert young == {"canceled": []}
    assert len(old["canceled"]) == 1
    assert one.end().code == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("set", "last", "concurrency"), "write OPTION=VALUE"),
        (("set", "last", "shuffle=true"), "While a batch runs concurrency"),
        (("set", "last", "concurrency=5"), "without a limit"),
        (("set", "last", "deadline=soon"), "say seconds"),
        (("cancel",), "which batch?"),
        (("cancel", "last", "--running-longer-than", "1h"), "leave BATCH out"),
        (("create", "echo", "records.jsonl", "--max-failures", "lots"), "max_failures"),
        (
            ("create", "echo", "records.jsonl", "--error-policy", "stop", "--max-failures", "3"),
            "give one of them",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_remedy(
    fanfold: Fanfold, arguments: tuple[str, ...], says: str
) -> None:
    fanfold("create", "echo", fanfold.write("records.jsonl", [1]))
    refused = fanfold.inside(*arguments)
    assert refused.code in (1, 2)
    assert refused.out == ""
    assert says in refused.err
