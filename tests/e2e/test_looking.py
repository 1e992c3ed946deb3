"""list, status, results, errors, verify, flows: looking at batches changes nothing."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

#: Three groups of failures, and what goes well.
FATES: list[dict[str, Any]] = [
    {"id": f"r{n}", "do": "error", "message": f"row {n} has no price"} if n % 4 == 1
    else {"id": f"r{n}", "do": "permanent", "message": "closed"} if n % 8 == 2
    else {"id": f"r{n}", "do": "return", "value": n}
    for n in range(40)
]  # fmt: skip


@pytest.fixture(scope="module")
def looked_at(shared_fanfold: Fanfold) -> Fanfold:
    """A completed batch with failures, then a completed one with a fold, then a pending one."""
    fanfold = shared_fanfold
    source = fanfold.write("records.jsonl", FATES)
    given = ("--retries", "0", "--label", "a label", "--tag", "red", "--tag", "blue",
             *fanfold.small)  # fmt: skip
    assert fanfold("run", fanfold.puppet, source, *given).code == 0
    assert fanfold("run", fanfold.flow("sums"), "--quiet", *fanfold.small).code == 0
    assert fanfold.inside("create", "echo", "-", stdin="1\n").code == 0
    return fanfold


@pytest.fixture(scope="module")
def failed_id(looked_at: Fanfold) -> str:
    """The batch with failures."""
    found: str = looked_at.batches()[-1]["batch_id"]
    return found


def test_list_shows_the_newest_first(looked_at: Fanfold) -> None:
    table = looked_at("list").out.splitlines()

    assert table[0].split() == [
        "BATCH",
        "FLOW",
        "STATUS",
        "RECORDS",
        "OK",
        "FAILED",
        "TIME",
        "LABEL",
    ]
    assert [line.split()[1:3] for line in table[1:]] == [
        ["echo", "pending"],
        ["sums", "completed"],
        ["puppet", "completed"],
    ]
    assert table[3].split()[3:6] == ["40", "25", "15"]
    assert table[3].endswith("a label")


def test_list_takes_a_status_a_limit_and_json(looked_at: Fanfold) -> None:
    pending = looked_at.inside("list", "--status", "pending", "--json").json["batches"]
    newest = looked_at.inside("list", "--limit", "1", "--json").json["batches"]

    assert [it["flow"] for it in pending] == ["echo"]
    assert [it["flow"] for it in newest] == ["echo"]
    assert looked_at.inside("list", "--status", "cancelled").err == "no batch is cancelled here\n"
    assert looked_at.inside("list", "--status", "asleep").code == 2


@pytest.mark.parametrize(
    ("given", "flows"),
    [
        (["--flow", "sums"], ["sums"]),
        (["--label", "LABEL"], ["puppet"]),
        (["--tag", "red", "--tag", "blue"], ["puppet"]),
        (["--tag", "red", "--tag", "green"], []),
        (["--flow", "puppet", "--status", "pending"], []),
        (["--status", "completed", "--limit", "1"], ["sums"]),
        (["--label", "", "--limit", "2"], ["echo", "sums"]),
    ],
)
def test_list_finds_batches_by_what_they_are(
    looked_at: Fanfold, given: list[str], flows: list[str]
) -> None:
    found = looked_at.inside("list", "--json", *given).json["batches"]

    assert [it["flow"] for it in found] == flows
    if not flows:
        assert looked_at.inside("list", *given).err.startswith("no batch here is like that")


def test_list_finds_what_lies_far_back(looked_at: Fanfold, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked through page by page."""
    monkeypatch.setattr("fanfold.steps.find_batches._PAGE", 1)

    found = looked_at.inside("list", "--tag", "red", "--json").json["batches"]

    assert [(it["flow"], it["tags"]) for it in found] == [("puppet", ["red", "blue"])]


def test_status_says_it_all_at_a_glance(looked_at: Fanfold, failed_id: str) -> None:
    shown = looked_at("status", failed_id).out

    assert shown.startswith(f"{failed_id}  puppet  completed\n")
    assert "40 records: 25 succeeded, 15 failed" in shown
    assert re.search(r"^durations p50 .+ · p90 .+ · p99 .+$", shown, re.MULTILINE)
    assert "\nattempts  40\n" in shown
    assert "\noptions   retries 0\n" in shown
    assert "\nlabel     a label\n" in shown
    assert "\ntags      red, blue\n" in shown
    assert "10 \N{MULTIPLICATION SIGN} ValueError: row <n> has no price" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_status_as_json_has_everything(looked_at: Fanfold, failed_id: str) -> None:
    seen = looked_at.inside("status", failed_id, "--json").json

    assert seen["batch_id"] == failed_id
    assert (seen["flow"], seen["status"], seen["sealed"]) == ("puppet", "completed", True)
    assert (seen["total"], seen["succeeded"], seen["failed"], seen["queued"]) == (40, 25, 15, 0)
    assert (seen["label"], seen["tags"], seen["error"]) == ("a label", ["red", "blue"], None)
    assert seen["attempts"] == 40
    assert 0 < seen["durations"]["p50"] <= seen["durations"]["p90"] <= seen["durations"]["p99"]
    assert "source_version" in seen
    assert seen["created_at"] <= seen["started_at"] <= seen["ended_at"]
    assert [(it["type"], it["count"]) for it in seen["errors"]] == [
        ("ValueError", 10),
        ("Permanent", 5),
    ]
    summed = looked_at.batches()[1]["batch_id"]
    assert looked_at.inside("status", summed, "--json").json["output"]["sum"] == 6
    assert '"sum": 6' in looked_at.inside("status", summed).out


def test_status_tells_how_a_shuffled_batch_was_shuffled(fanfold: Fanfold) -> None:
    fanfold.inside("create", "echo", "-", "--shuffle", "--seed", "7", stdin="1\n2\n")

    assert "\noptions   shuffled, seed 7\n" in fanfold.inside("status", "last").out


def test_a_batch_is_named_by_the_beginning_of_its_id_or_as_the_last(
    looked_at: Fanfold, failed_id: str
) -> None:
    def named(text: str) -> Any:
        return looked_at.inside("status", text, "--json").json["batch_id"]

    assert named(failed_id[:12]) == failed_id
    assert named(failed_id.removeprefix("batch-")[:6]) == failed_id
    assert named("last") == looked_at.batches()[0]["batch_id"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("batch-", "begins 3 ids"),
        ("batch-0", "no batch's id begins with"),
        ("batch-aaaaaaaaaaaaaaaa", "there is no batch"),
        ("batch-aaaaaaaaaaaaaaaaaa", "is not a batch id"),
    ],
)
def test_what_names_no_single_batch_is_refused(looked_at: Fanfold, text: str, said: str) -> None:
    ended = looked_at.inside("status", text)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_looking_where_there_is_no_home_makes_none(fanfold: Fanfold) -> None:
    assert fanfold.inside("list", "--json").json == {"batches": []}
    assert fanfold.inside("status", "last").code == 2
    assert not fanfold.home.exists()


def test_results_are_every_record_in_order_with_its_place_kept(
    looked_at: Fanfold, failed_id: str
) -> None:
    lines = looked_at.inside("results", failed_id).lines

    assert [it["index"] for it in lines] == list(range(40))
    assert [it["key"] for it in lines] == [it["id"] for it in FATES]
    assert lines[0] == {
        "index": 0,
        "key": "r0",
        "status": "succeeded",
        "output": 0,
        "error": None,
    }
    assert lines[1]["error"] == {"type": "ValueError", "message": "row 1 has no price"}


def test_results_may_be_of_one_status_and_go_into_a_file(
    looked_at: Fanfold, failed_id: str
) -> None:
    given = ("results", failed_id, "--status", "failed", "--out", "failed.jsonl")

    ended = looked_at(*given)

    assert (ended.code, ended.out) == (0, "")
    assert ended.err == "failed.jsonl: 15 results\n"
    assert {it["status"] for it in looked_at.read("failed.jsonl")} == {"failed"}
    assert looked_at.inside("results", failed_id, "--status", "odd").code == 2


def test_results_into_what_is_no_plain_file_leave_it_what_it_was(looked_at: Fanfold) -> None:
    assert looked_at.inside("results", "last", "--out", "/dev/null").code == 0


def test_results_of_a_batch_that_is_still_open_are_said_to_be_so(looked_at: Fanfold) -> None:
    assert "these are its results so far" in looked_at.inside("results", "last").err


def test_a_reader_that_has_seen_enough_is_no_error(looked_at: Fanfold, failed_id: str) -> None:
    results = subprocess.Popen(
        looked_at.command("results", failed_id),
        cwd=looked_at.folder,
        env=looked_at.env(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert results.stdout is not None
    results.stdout.close()
    _, err = results.communicate()

    assert (results.returncode, err) == (0, b"")


def test_errors_are_grouped_with_a_count_and_an_example(looked_at: Fanfold, failed_id: str) -> None:
    shown = looked_at("errors", failed_id).out
    groups = looked_at.inside("errors", failed_id, "--json").json

    assert f"15 of 40 records of {failed_id} failed, in 2 groups" in shown
    assert re.search(r"such as record (\d+) \(r\1\): row \1 has no price", shown)
    assert groups["failed"] == 15
    first = groups["errors"][0]
    assert (first["count"], first["pattern"]) == (10, "row <n> has no price")
    assert first["example"] == f"row {first['example_index']} has no price"
    assert first["example_key"] == f"r{first['example_index']}"


def test_errors_lists_the_records_of_a_group(looked_at: Fanfold, failed_id: str) -> None:
    closed = looked_at.inside("errors", failed_id, "--json").json["errors"][1]["fingerprint"]

    listed = looked_at.inside("errors", failed_id, "--list", closed[:6])

    assert [it["index"] for it in listed.lines] == list(range(2, 40, 8))
    unknown = looked_at.inside("errors", failed_id, "--list", "zz")
    assert (unknown.code, closed in unknown.err) == (2, True)


def test_errors_of_a_batch_without_any_says_so(looked_at: Fanfold) -> None:
    assert "has failed" in looked_at.inside("errors", "last").err


def test_verify_counts_again_and_the_certificate_holds(looked_at: Fanfold, failed_id: str) -> None:
    shown = looked_at("verify", failed_id)
    certificate = looked_at.inside("verify", failed_id, "--json").json

    assert shown.code == 0
    assert shown.out.splitlines()[-1] == "HOLDS"
    assert re.search(r"succeeded +25 +25\n", shown.out)
    assert certificate["holds"] is True
    assert (certificate["total"], certificate["recounted_failed"]) == (40, 15)
    assert certificate["digest"] == certificate["expected_digest"]


def test_verify_of_a_batch_that_is_still_open_is_refused(looked_at: Fanfold) -> None:
    ended = looked_at.inside("verify", "last")

    assert ended.code == 1
    assert "its counts are closed when it ends" in ended.err


def test_verify_finds_a_result_that_has_been_lost(fanfold: Fanfold) -> None:
    from contextlib import closing
    from sqlite3 import connect

    fanfold("run", "echo", "-", "--quiet", *fanfold.small, stdin="1\n2\n")
    with closing(connect(fanfold.home / "fanfold.db", isolation_level=None)) as database:
        database.execute("DELETE FROM runs WHERE place IN (SELECT max(place) FROM runs)")

    ended = fanfold("verify", "last")

    assert ended.code == 1
    assert ended.out.splitlines()[-1] == "DOES NOT HOLD"
    assert re.search(r"succeeded +2 +1\n", ended.out)


def test_flows_are_listed_and_what_cannot_be_loaded_is_told(fanfold: Fanfold) -> None:
    path = fanfold.write_text("mine.py", "from fanfold import flow\n@flow\ndef f(r): return r\n")
    places = f"{path}:absent.py"

    shown = fanfold.inside("flows", FANFOLD_FLOWS=places)
    as_json = fanfold("flows", "--json", FANFOLD_FLOWS=places)

    assert "f\n  mine.py:f, retries 3, timeout 300 s\n" in shown.out
    assert "measure  Lines, functions" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "absent.py does not exist" in shown.err
    found = {it["name"]: it for it in as_json.json["flows"]}
    assert found["f"]["place"] == f"{fanfold.folder / 'mine.py'}:f"
    assert (found["measure"]["source"], found["measure"]["fold"]) == (True, True)
    (problem,) = as_json.json["problems"]
    assert "absent.py" in problem
    assert json.dumps(as_json.json)
