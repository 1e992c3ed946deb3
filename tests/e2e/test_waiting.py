"""wait and cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_wait_ends_when_the_batch_does_and_exits_as_it_did(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "ok"}, {"do": "permanent"}])
    fanfold.inside("create", fanfold.puppet, source)
    waiting = fanfold.start("wait", "last", "--json")

    fanfold("worker", "--until-idle")
    ended = waiting.end()

    assert ended.code == 0
    assert (ended.json["status"], ended.json["failed"]) == ("completed", 1)
    assert "2 records: 1 succeeded, 1 failed" in ended.err
    strict = fanfold.inside("wait", "last", "--strict", "--quiet")
    assert (strict.code, strict.err) == (1, "")


def test_wait_gives_up_after_its_timeout(fanfold: Fanfold) -> None:
    fanfold.inside("create", "echo", "-", stdin="1\n")

    ended = fanfold.inside("wait", "last", "--timeout", "0.1")

    assert ended.code == 1
    assert "is still pending after waiting 0.1 s" in ended.err


def test_wait_wonders_whether_anybody_works(fanfold: Fanfold) -> None:
    fanfold.inside("create", "echo", "-", stdin="1\n")

    waiting = fanfold.start("wait", "last")
    waiting.until(lambda: "nothing has moved for 5 s. Is there a worker?" in waiting.err)


def test_cancel_needs_no_worker_and_may_be_repeated(fanfold: Fanfold) -> None:
    fanfold.inside("create", "echo", "-", stdin="1\n2\n")

    first = fanfold("cancel", "last")
    again = fanfold.inside("cancel", "last", "--json")

    assert first.code == 0
    assert "is canceled" in first.err
    assert (again.code, again.json["status"]) == (0, "canceled")
    assert fanfold.inside("wait", "last").code == 3
    assert fanfold.inside("attach", "last").code == 3
    assert fanfold.inside("verify", "last").code == 0


def test_cancel_stops_what_runs_and_keeps_what_is_done(fanfold: Fanfold) -> None:
    source = fanfold.write(
        "records.jsonl", [{"do": "ok"}, *[{"do": "cancelable", "seconds": 600}] * 5]
    )
    given = ("--concurrency", "2", "--json", *fanfold.small)
    going = fanfold.start("run", fanfold.puppet, source, *given)
    going.until(lambda: any(it["succeeded"] for it in fanfold.batches()))

    assert fanfold.inside("cancel", "last").code == 0
    ended = going.end()

    assert ended.code == 3
    assert (ended.json["succeeded"], ended.json["canceled"]) == (1, 5)
    assert "reason: canceled by the user" in ended.err
    lines = fanfold.inside("results", "last").lines
    assert [it["status"] for it in lines] == ["succeeded", *["canceled"] * 5]


def test_what_has_ended_cannot_be_canceled(fanfold: Fanfold) -> None:
    fanfold("run", "echo", "-", "--quiet", *fanfold.small, stdin="1\n")

    ended = fanfold.inside("cancel", "last")

    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert "is completed already" in ended.err


def test_attach_to_what_has_ended_only_reports(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "ok"}, {"do": "permanent"}])
    fanfold("run", fanfold.puppet, source, "--quiet", *fanfold.small)

    plain = fanfold.inside("attach", "last")
    as_json = fanfold.inside("attach", "last", "--json", "--quiet")
    strict = fanfold.inside("attach", "last", "--strict", "--out", "out.jsonl")

    assert (plain.code, plain.out) == (0, "")
    assert "2 records: 1 succeeded, 1 failed" in plain.err
    assert (as_json.code, as_json.json["failed"], as_json.err) == (0, 1, "")
    assert strict.code == 1
    assert [it["status"] for it in fanfold.read("out.jsonl")] == ["succeeded", "failed"]
