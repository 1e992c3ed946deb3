"""Bad usage and bad input: one clear line, exit code 2, and nothing stored."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

GOOD = '{"name": "tea", "price": 1}\n'
LARGE = f'"{"x" * 600_000}"\n'

REFUSED: dict[str, tuple[list[str], str, str]] = {
    # what is wrong: arguments, standard input, what the line must say
    "an unknown flow": (["nowhere"], "", "no flow named 'nowhere'"),
    "a flow that is not in its file": (["{flow:summs}", "-"], GOOD, "Did you mean sums?"),
    "a file that is not there": (["absent.py:flow"], "", "absent.py does not exist"),
    "malformed JSON": (["{flow:priced}", "-"], GOOD + "{bad}\n", "standard input:2: not JSON"),
    "a wrong type": (
        ["{flow:priced}", "-"],
        GOOD + '{"name": "milk", "price": "much"}\n',
        "standard input:2: price: Input should be a valid number",
    ),
    "a missing field": (["{flow:priced}", "-"], '{"price": 1}\n', "input:1: name: Field required"),
    "a record over the limit": (["echo", "-"], GOOD + LARGE, "standard input:2: the record has"),
    "no source": (["{flow:priced}"], "", "flow priced has no source of its own"),
    "a source that is not there": (["echo", "absent.jsonl"], "", "absent.jsonl: no such file"),
    "a source of a kind that is not read": (["echo", "t.orc"], "", "Convert it to JSON Lines"),
    "a flow's own source that raises": (
        ["{flow:broken_source}"],
        "",
        "the source of broken_source: ZeroDivisionError before item 1",
    ),
    "a concurrency of nothing": (["echo", "-", "--concurrency", "0"], GOOD, "option concurrency"),
    "threads of nothing": (["echo", "-", "--threads", "0"], GOOD, "'--threads'"),
    "processes of nothing": (["echo", "-", "--processes", "0"], GOOD, "'--processes'"),
    "a timeout of nothing": (["echo", "-", "--timeout", "0"], GOOD, "option timeout"),
    "retries below nothing": (["echo", "-", "--retries=-1"], GOOD, "option retries"),
    "max-records below nothing": (["echo", "-", "--max-records=-1"], GOOD, "option max_records"),
    "a label that is too long": (["echo", "-", "--label", "x" * 201], GOOD, "option label"),
    "an empty tag": (["echo", "-", "--tag", ""], GOOD, "option tags"),
    "a parameter without a value": (["echo", "-", "--param", "x"], GOOD, "write NAME=VALUE"),
    "parameters that are not there": (["echo", "-", "--params", "no.json"], GOOD, "no.json: No"),
    "parameters that are no JSON": (["echo", "-", "--params", "t.csv"], GOOD, "t.csv:1: not JSON"),
    "parameters that are no object": (
        ["echo", "-", "--params", "list.json"],
        GOOD,
        "write one JSON object",
    ),
    "an output without a folder": (["echo", "-", "--out", "no/where"], GOOD, "there is no folder"),
    "an output that is a folder": (["echo", "-", "--out", "."], GOOD, "is a directory"),
    "two kinds of data on one stream": (
        ["echo", "-", "--out", "-", "--json"],
        GOOD,
        "both want standard output",
    ),
    "an unknown option": (["echo", "-", "--speed", "9"], GOOD, "See: fanfold run --help"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_in_one_line_and_nothing_is_stored(fanfold: Fanfold, what: str) -> None:
    arguments, stdin, said = REFUSED[what]
    fanfold.write_text("t.csv", "a,b\n")
    fanfold.write_text("t.orc", "ORC")
    fanfold.write_text("list.json", "[1]")
    given = [fanfold.flow(it[6:-1]) if it.startswith("{flow:") else it for it in arguments]

    ended = fanfold.inside("run", *given, stdin=stdin)

    assert ended.code == 2, ended.err
    assert ended.out == ""
    lines = [it for it in ended.err.splitlines() if it != "flows.py is imported"]
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("fanfold: ")
    assert said in lines[0]
    assert fanfold.stored() == []
    assert not fanfold.home.exists() or fanfold.batches() == []


def test_a_refused_command_ends_as_a_process_should(fanfold: Fanfold) -> None:
    ended = fanfold("run", fanfold.flow("priced"), "-", "--json", stdin=GOOD + "{bad}\n")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[-1].startswith("fanfold: standard input:2: not JSON")


def test_create_refuses_as_run_does(fanfold: Fanfold) -> None:
    ended = fanfold.inside("create", fanfold.flow("priced"), "-", stdin='{"name": 1, "price": 1}\n')

    assert (ended.code, ended.out) == (2, "")
    assert "input:1: name" in ended.err
    assert fanfold.batches() == []


def test_a_flow_that_cannot_be_imported_names_the_line(fanfold: Fanfold) -> None:
    fanfold.write_text("half.py", "import os\nimport nothing_of_this_name\n")

    ended = fanfold.inside("run", "half.py", "-")

    assert ended.code == 2
    assert "half.py cannot be imported: ModuleNotFoundError" in ended.err
    assert "line 2" in ended.err
    assert "Traceback" not in ended.err


def test_a_wrong_setting_is_named(fanfold: Fanfold) -> None:
    ended = fanfold.inside("run", "echo", "-", FANFOLD_ENGINE="steam")

    assert ended.code == 2
    assert "FANFOLD_ENGINE" in ended.err


def test_verbose_shows_the_trace_wherever_it_is_written(fanfold: Fanfold) -> None:
    for arguments in (["--verbose", "status", "nope"], ["status", "nope", "--verbose"]):
        ended = fanfold.inside(*arguments)

        assert ended.code == 2
        assert "Traceback" in ended.err
        assert ended.err.splitlines()[-1].startswith("fanfold: there are no batches here")


def test_a_home_that_is_a_file_is_refused_by_all(fanfold: Fanfold) -> None:
    fanfold.write_text("file", "")

    for arguments in (["list"], ["status", "last"], ["create", "echo", "-"]):
        ended = fanfold.inside(*arguments, stdin="1\n", FANFOLD_HOME="file")

        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert "Set FANFOLD_HOME to " in ended.err


def test_a_batch_of_another_home_is_not_found_here(fanfold: Fanfold) -> None:
    batch_id = fanfold.inside("create", "echo", "-", stdin="1\n").out.strip()
    fanfold.inside("create", "echo", "-", stdin="1\n", FANFOLD_HOME="other")

    ended = fanfold.inside("status", batch_id, FANFOLD_HOME="other")

    assert (ended.code, ended.out) == (2, "")
    assert "`fanfold list` lists the batches in this home" in ended.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk here is always full")
def test_a_disk_that_is_full_is_told_as_such(fanfold: Fanfold) -> None:
    fanfold.inside("create", "echo", "-", stdin="1\n")

    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            fanfold.command("list", "--json"),
            cwd=fanfold.folder,
            env=fanfold.env(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "the disk is full. Free some room" in ended.stderr
