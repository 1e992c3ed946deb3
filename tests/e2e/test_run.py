"""`fanfold run`: what it takes, what it prints, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.testing.puppet import marks

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

KEYS = [
    "batch_id",
    "status",
    "total",
    "queued",
    "running",
    "waiting",
    "succeeded",
    "failed",
    "canceled",
    "skipped",
    "seconds",
    "output",
]


def test_with_json_standard_output_is_exactly_one_object(fanfold: Fanfold) -> None:
    ended = fanfold("run", fanfold.flow("sums"), "--json", *fanfold.small)

    assert ended.code == 0, ended.err
    assert list(ended.json) == KEYS
    assert ended.json["status"] == "completed"
    assert (ended.json["total"], ended.json["succeeded"], ended.json["failed"]) == (4, 4, 0)
    assert ended.json["output"] == {"sum": 6, "order": [0, 1, 2, 3]}
    assert "flows.py is imported" in ended.err


def test_what_the_fold_makes_is_printed_and_the_rest_is_said_beside_it(fanfold: Fanfold) -> None:
    ended = fanfold("run", fanfold.flow("sums"), *fanfold.small)

    assert json.loads(ended.out) == {"sum": 6, "order": [0, 1, 2, 3]}
    assert '  "sum": 6,\n' in ended.out, "for people: indented"
    assert "4 records: 4 succeeded" in ended.err
    assert "fanfold results batch-" in ended.err


def test_out_holds_every_record_in_order_the_failed_ones_too(fanfold: Fanfold) -> None:
    source = fanfold.write(
        "records.jsonl",
        [{"do": "error"} if n % 5 == 2 else {"do": "return", "value": n} for n in range(50)],
    )
    fanfold.write_text("results.jsonl", "what was there before\n")

    ended = fanfold(
        "run", fanfold.puppet, source, "--out", "results.jsonl", "--retries", "0", *fanfold.small
    )

    assert ended.code == 0, ended.err
    assert "10 failed" in ended.err
    assert "10 \N{MULTIPLICATION SIGN} ValueError: scripted error" in ended.err
    lines = fanfold.read("results.jsonl")
    assert [it["index"] for it in lines] == list(range(50))
    assert [it["index"] for it in lines if it["status"] == "failed"] == list(range(2, 50, 5))
    assert lines[3] == {
        "index": 3,
        "key": None,
        "status": "succeeded",
        "output": 3,
        "error": None,
    }
    assert lines[2]["error"] == {"type": "ValueError", "message": "scripted error"}
    assert [it.name for it in fanfold.folder.glob(".results*")] == [], "no draft is left"


def test_out_to_standard_output_is_the_results_and_nothing_else(fanfold: Fanfold) -> None:
    ended = fanfold("run", fanfold.flow("sums"), "--out", "-", *fanfold.small)

    assert [it["output"] for it in ended.lines] == [0, 1, 2, 3]


def test_records_come_from_standard_input(fanfold: Fanfold) -> None:
    ended = fanfold("run", "echo", "-", "--out", "-", *fanfold.small, stdin='{"id": "a"}\n"b"\n')

    assert [(it["key"], it["output"]) for it in ended.lines] == [("a", {"id": "a"}), (None, "b")]


def test_an_empty_source_completes_at_once(fanfold: Fanfold) -> None:
    ended = fanfold("run", "echo", "-", "--json", *fanfold.small)

    assert ended.code == 0
    assert (ended.json["status"], ended.json["total"]) == ("completed", 0)


def test_failed_records_are_allowed_unless_strict(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "ok"}, {"do": "permanent"}])
    asked = ("run", fanfold.puppet, source, "--json", "--request-id", "one")

    strict = fanfold(*asked, "--strict", *fanfold.small)
    lenient = fanfold.inside(*asked)

    assert (strict.json["status"], strict.code) == ("completed", 1)
    assert (lenient.json, lenient.code) == (strict.json, 0)


def test_a_batch_whose_every_record_failed_has_failed(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "permanent"}] * 2)

    ended = fanfold("run", fanfold.puppet, source, *fanfold.small)

    assert ended.code == 1
    assert "reason: every record failed" in ended.err


def test_a_fold_that_raises_fails_the_batch_with_the_reason_and_the_results_kept(
    fanfold: Fanfold,
) -> None:
    ended = fanfold("run", fanfold.flow("broken_fold"), "--out", "all.jsonl", *fanfold.small)

    assert ended.code == 1
    assert "reason: the fold failed: nothing to add" in ended.err
    assert len(fanfold.read("all.jsonl")) == 4


def test_a_fatal_record_ends_the_batch_and_the_reason_is_said(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "fatal", "message": "no credit left"}])

    ended = fanfold("run", fanfold.puppet, source, *fanfold.small)

    assert ended.code == 1
    assert "reason: record 0 raised Fatal: no credit left" in ended.err


def test_quiet_says_nothing(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "ok"}])

    ended = fanfold("run", fanfold.puppet, source, "--quiet", *fanfold.small)

    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_what_a_flow_prints_is_seen_on_standard_error_line_by_line(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"n": n} for n in range(3)])

    ended = fanfold("run", fanfold.flow("chatty"), source, "--json", *fanfold.small)

    assert ended.json["succeeded"] == 3
    for n in range(3):
        assert f"a word on standard output {n}\n" in ended.err
        assert f"a word on standard error {n}\n" in ended.err


def test_max_records_takes_the_first_ones_even_of_a_source_with_a_bad_end(
    fanfold: Fanfold,
) -> None:
    arguments = ("run", "echo", "-", "--max-records", "2", "--out", "-")

    ended = fanfold(*arguments, *fanfold.small, stdin="1\n2\n3\nnot JSON\n")

    assert [it["output"] for it in ended.lines] == [1, 2]


def test_key_names_the_field_that_holds_the_key(fanfold: Fanfold) -> None:
    arguments = ("run", "echo", "-", "--key", "isbn", "--out", "-")

    ended = fanfold(*arguments, *fanfold.small, stdin='{"id": 1, "isbn": "978"}\n')

    assert [it["key"] for it in ended.lines] == ["978"]


def test_parameters_come_from_a_file_and_singly_and_the_single_ones_win(fanfold: Fanfold) -> None:
    fanfold.write_text("params.json", '{"model": "small", "limit": 1}')
    given = ("--params", "params.json", "--param", "limit=5", "--param", "where=over=there")

    ended = fanfold("run", fanfold.flow("tells"), "-", *given, "--out", "-", stdin="{}\n")

    (line,) = ended.lines
    assert line["output"]["parameters"] == {"model": "small", "limit": 5, "where": "over=there"}


def test_retries_go_before_the_flows_own(fanfold: Fanfold) -> None:
    log = fanfold.folder / "log"
    source = fanfold.write("records.jsonl", [{"do": "error", "log": str(log)}])

    fanfold("run", fanfold.puppet, source, "--retries", "1", *fanfold.small)

    assert [mark.attempt for mark in marks(log) if mark.what == "start"] == [1, 2]


def test_timeout_goes_before_the_flows_own(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "cancelable", "seconds": 60}])
    given = ("--timeout", "0.05", "--retries", "0", "--out", "-")

    ended = fanfold("run", fanfold.puppet, source, *given, *fanfold.small)

    (line,) = ended.lines
    assert line["error"]["type"] == "Timeout"


def test_label_and_tags_are_kept(fanfold: Fanfold) -> None:
    given = ("--label", "nightly", "--tag", "a", "--tag", "b", "--quiet")
    fanfold("run", "echo", "-", *given, *fanfold.small, stdin="1\n")

    status = fanfold.inside("status", "last", "--json").json

    assert (status["label"], status["tags"]) == ("nightly", ["a", "b"])
    assert "nightly" in fanfold.inside("list").out


def test_concurrency_limits_what_is_in_flight(fanfold: Fanfold) -> None:
    log, gate = fanfold.folder / "log", fanfold.folder / "gate"
    record = {"do": "hang", "gate": str(gate), "log": str(log)}
    source = fanfold.write("records.jsonl", [record] * 6)

    going = fanfold.start("run", fanfold.puppet, source, "--concurrency", "2", *fanfold.small)
    going.until(lambda: len(marks(log)) >= 2)
    seen = fanfold.inside("status", "last", "--json").json
    gate.touch()

    assert (seen["running"], seen["queued"], seen["total"]) == (2, 4, 6)
    assert going.end().code == 0
    assert most_at_once(log) == 2


def test_threads_bound_what_a_process_does_at_once(fanfold: Fanfold) -> None:
    log = fanfold.folder / "log"
    record = {"do": "sleep", "seconds": 0.01, "log": str(log)}
    source = fanfold.write("records.jsonl", [record] * 6)

    fanfold("run", fanfold.puppet, source, "--processes", "1", "--threads", "1")

    assert len(marks(log)) == 12
    assert most_at_once(log) == 1


def test_threads_are_raised_where_the_concurrency_needs_it(fanfold: Fanfold) -> None:
    log, gate = fanfold.folder / "log", fanfold.folder / "gate"
    record = {"do": "hang", "gate": str(gate), "log": str(log)}
    source = fanfold.write("records.jsonl", [record] * 3)
    workers = ("--concurrency", "3", "--processes", "1", "--threads", "1")

    going = fanfold.start("run", fanfold.puppet, source, *workers)
    going.until(lambda: len(marks(log)) == 3)
    gate.touch()

    assert going.end().code == 0


def test_several_processes_share_the_work(fanfold: Fanfold) -> None:
    log, gate = fanfold.folder / "log", fanfold.folder / "gate"
    record = {"do": "hang", "gate": str(gate), "log": str(log)}
    source = fanfold.write("records.jsonl", [record] * 3)

    going = fanfold.start("run", fanfold.puppet, source, "--processes", "3", "--threads", "1")
    going.until(lambda: len(marks(log)) == 3)
    gate.touch()

    assert going.end().code == 0
    assert len({mark.pid for mark in marks(log)}) == 3


def test_the_same_request_is_the_same_batch_and_another_under_its_id_is_refused(
    fanfold: Fanfold,
) -> None:
    source = fanfold.write("records.jsonl", [{"do": "ok"}])
    asked = ("run", fanfold.puppet, source, "--request-id", "tuesday", "--json", *fanfold.small)

    first, again = fanfold(*asked), fanfold.inside(*asked)
    other = fanfold.inside(*asked, "--max-records", "0")

    assert first.json == again.json
    assert len(fanfold.batches()) == 1
    assert (other.code, other.out) == (1, "")
    assert "Use a new request id" in other.err


def most_at_once(log: Path) -> int:
    running = most = 0
    for mark in marks(log):
        running += 1 if mark.what == "start" else -1
        most = max(most, running)
    return most
