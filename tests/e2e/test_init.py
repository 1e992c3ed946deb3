"""`fanfold init`: what it writes runs, and what it suggests works."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_what_it_writes_runs_fails_where_it_says_and_is_mended(fanfold: Fanfold) -> None:
    begun = fanfold("init")
    assert (begun.code, begun.out) == (0, "")
    for command in ("fanfold run flows.py:shout records.jsonl --out", "fanfold logs last c"):
        assert command in begun.err
    ran = fanfold(
        "run", "flows.py:shout", "records.jsonl", "--out", "results.jsonl", *fanfold.small
    )
    assert ran.code == 0
    assert "WONDERFUL" in ran.out
    assert [it["output"] for it in fanfold.read("results.jsonl")] == [
        "HELLO", "WONDERFUL", None, "WORLD",
    ]  # fmt: skip
    log = fanfold("logs", "last", "c").out
    assert "there is nothing to shout" in log
    assert "raise Permanent" in log
    assert "shouting  letters=5" in fanfold("logs", "last", "a").out
    flows = fanfold.folder / "flows.py"
    flows.write_text(flows.read_text().replace("if not text", "if text is None"))
    assert fanfold("retry", "last", "--failed").code == 0
    assert fanfold("attach", "last", *fanfold.small).code == 0
    assert fanfold("status", "last", "--json").json["succeeded"] == 4


def test_what_is_there_already_stays_as_it_is(fanfold: Fanfold) -> None:
    fanfold.write_text("flows.py", "# mine")
    told = fanfold("init", "--json").json
    assert (told["made"], told["kept"]) == (["records.jsonl"], ["flows.py"])
    assert (fanfold.folder / "flows.py").read_text() == "# mine"
    again = fanfold("init")
    assert again.code == 0
    assert "Run it" not in again.err


def test_it_makes_the_folder_that_is_named_or_says_why_not(fanfold: Fanfold) -> None:
    made = fanfold("init", "new/one")
    assert (fanfold.folder / "new" / "one" / "records.jsonl").exists()
    assert "cd new/one; fanfold run" in made.err
    fanfold.write_text("file", "")
    refused = fanfold("init", "file")
    assert refused.code == 2
    assert "Name another folder" in refused.err
