"""`fanfold fold`: a fold is called again; no record is run again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

BROKEN = """
from fanfold import flow

def total(results):
    print("the fold speaks")
    return sum(it.output["price"] for it in results)

def cheapest(results):
    return min(it.output["n"] for it in results if it.ok)

def two(results, more):
    return 2

@flow(id="priced", retries=0, source=lambda: range(4), fold=total)
def priced(n):
    with open("log", "a") as log:
        log.write("run\\n")
    if n == 3:
        raise ValueError("no price")
    return {"n": n, "label": "even" if n % 2 == 0 else "odd"}

@flow(id="bare")
def bare(record):
    return record
"""
MENDED = BROKEN.replace(
    'it.output["price"] for it in results', 'it.output["n"] for it in results if it.ok'
)


@pytest.fixture
def failed_fold(fanfold: Fanfold) -> Fanfold:
    """A batch that its fold failed: of four records the last one failed, too."""
    fanfold.write_text("flows.py", BROKEN)
    ended = fanfold("run", "flows.py:priced", "--quiet", *fanfold.small)
    assert ended.code == 1
    return fanfold


def status(fanfold: Fanfold) -> Any:
    return fanfold.inside("status", "last", "--json").json


def test_a_mended_fold_completes_the_batch_and_runs_no_record(failed_fold: Fanfold) -> None:
    fanfold = failed_fold
    assert "the fold failed" in status(fanfold)["error"]
    fanfold.write_text("flows.py", MENDED)

    ended = fanfold("fold", "last", "--json")

    assert (ended.code, ended.json["status"], ended.json["output"]) == (0, "completed", 3)
    assert ended.json["stored"] is True
    assert "the fold speaks\n" in ended.err, "what it prints is not among the data"
    after = status(fanfold)
    assert (after["status"], after["error"], after["output"]) == ("completed", None, 3)
    assert (after["succeeded"], after["failed"]) == (3, 1)
    assert (fanfold.folder / "log").read_text().count("run") == 4
    assert fanfold.inside("verify", "last").code == 0


def test_a_fold_that_fails_again_changes_nothing_and_says_what_to_do(failed_fold: Fanfold) -> None:
    before = status(failed_fold)

    ended = failed_fold("fold", "last")

    assert (ended.code, ended.out) == (1, "")
    line = ended.err.splitlines()[-1]
    assert "the fold failed: KeyError: 'price'" in line
    assert "mend the fold and call it again" in line
    assert status(failed_fold) == before


OTHERS: dict[str, Any] = {
    "collect": [
        {"n": 0, "label": "even"},
        {"n": 1, "label": "odd"},
        {"n": 2, "label": "even"},
        None,
    ],
    "merge": {"n": 2, "label": "even"},
    "count-by:label": {"even": 2, "odd": 1},
    "total:n": 3,
    "mean:n": 1.0,
    "top:1:n": [{"index": 2, "key": None, "value": 2}],
    "bottom:1:n": [{"index": 0, "key": None, "value": 0}],
    "histogram:0,1,1.5:n": {
        "below": 0,
        "bins": [{"from": 0, "to": 1, "count": 1}, {"from": 1, "to": 1.5, "count": 1}],
        "above": 1,
    },
    "flows.py:cheapest": 0,
}


def test_another_fold_is_shown_and_not_stored(failed_fold: Fanfold) -> None:
    before = status(failed_fold)

    for named, output in OTHERS.items():
        ended = failed_fold.inside("fold", "last", "--with", named)
        assert (ended.code, json.loads(ended.out)) == (0, output)

    assert status(failed_fold) == before


def test_a_flow_stands_for_its_fold(failed_fold: Fanfold) -> None:
    ended = failed_fold.inside("fold", "last", "--with", "fanfold.flows.stdlib:measure")

    assert (ended.code, ended.out) == (1, "")
    assert "KeyError: 'lines'" in ended.err, "it expects what that flow returns"


def test_a_fold_that_a_factory_made_may_be_named_in_its_file(failed_fold: Fanfold) -> None:
    failed_fold.write_text(
        "folds.py",
        "from fanfold.folds import reduce\n"
        "longest = reduce(lambda so_far, it: max(so_far, len(it['label'])), 0)\n",
    )

    ended = failed_fold("fold", "last", "--with", "folds.py:longest", "--save", "--json")

    assert (ended.code, ended.json["output"], ended.json["stored"]) == (0, 4, True)
    assert status(failed_fold)["output"] == 4
    assert status(failed_fold)["status"] == "completed"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--with", "colect"], "Did you mean collect?"),
        (["--with", "count-by"], "count-by:label"),
        (["--with", "count-by:"], "no place"),
        (["--with", "sum"], "histogram:EDGES:PLACE"),
        (["--with", "top:n"], "write top:N:PLACE, such as top:10:score"),
        (["--with", "top:0:n"], "how many records, from 1 to 10,000"),
        (["--with", "histogram:a,b:n"], "the edges of the bins as 0,10,100"),
        (["--with", "histogram:2,1:n"], "each edge must be larger"),
        (["--with", "absent.py:fold"], "absent.py does not exist"),
        (["--with", "flows.py:cheepest"], "Did you mean cheapest?"),
        (["--with", "flows.py:two"], "a function of one argument, the results"),
        (["--with", "flows.py:bare"], "it has no fold"),
        (["--with", "fanfold.folds.builtin:collect"], "a function of one argument"),
        (["--save"], "--save is for --with"),
    ],
)
def test_what_is_no_fold_is_refused_in_one_line(
    fanfold: Fanfold, arguments: list[str], said: str
) -> None:
    fanfold.write_text("flows.py", MENDED)
    fanfold.inside("create", "echo", "-", stdin="1\n")

    ended = fanfold.inside("fold", "last", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert said in ended.err


def test_a_batch_that_has_not_ended_is_not_folded(fanfold: Fanfold) -> None:
    batch_id = fanfold.inside("create", "echo", "-", stdin="1\n").out.strip()

    ended = fanfold.inside("fold", "last", "--with", "collect")

    assert (ended.code, ended.out) == (1, "")
    assert f"is pending: not all of its results are there. `fanfold wait {batch_id}`" in ended.err


def test_a_flow_without_a_fold_says_what_else_there_is(fanfold: Fanfold) -> None:
    fanfold("run", "echo", "-", "--quiet", *fanfold.small, stdin="1\n")

    assert "--with collect" in fanfold.inside("fold", "last").err
    kept = fanfold.inside("fold", "last", "--with", "collect", "--save")
    assert json.loads(kept.out) == [1]
    assert status(fanfold)["output"] == [1]


def test_a_batch_whose_every_record_failed_stays_failed(fanfold: Fanfold) -> None:
    source = fanfold.write("records.jsonl", [{"do": "permanent"}])
    fanfold("run", fanfold.puppet, source, "--quiet", *fanfold.small)

    ended = fanfold.inside("fold", "last", "--with", "count-by:.", "--save", "--json")

    assert (ended.code, ended.json["status"], ended.json["output"]) == (1, "failed", {})
