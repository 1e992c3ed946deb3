"""Some records again, on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

FLOW = """
from fanfold import flow


def together(results):
    return sum(it.output for it in results if it.ok)


@flow(retries=0, fold=together)
def half(record, ctx):
    if record["n"] % 2 and not {mended}:
        raise ValueError("odd")
    return record["n"] * ctx.parameters.get("times", 1)
"""


def _half_failed(fanfold: Fanfold, records: int = 20) -> str:
    (fanfold.folder / "flows.py").write_text(FLOW.format(mended=False))
    lines = [{"id": f"r{n}", "n": n} for n in range(records)]
    source = fanfold.write("records.jsonl", lines)
    ended = fanfold("run", "flows.py:half", source, "--json", *fanfold.small)
    assert (ended.json["succeeded"], ended.json["failed"]) == (10, 10), ended.err
    return str(ended.json["batch_id"])


def test_a_retry_runs_todays_code_and_the_fold_again(fanfold: Fanfold) -> None:
    batch = _half_failed(fanfold)
    (fanfold.folder / "flows.py").write_text(FLOW.format(mended=True))

    retried = fanfold("retry", batch, "--failed", "--param", "times=100", "--json")
    assert (retried.json["retried"], retried.json["generation"]) == (10, 2)
    status = fanfold("status", batch, "--json").json
    assert (status["total"], status["succeeded"], status["failed"]) == (20, 10, 0)
    assert status["generation"] == 2
    told = fanfold("status", batch).out
    assert "--failed, generation 2" in told
    assert "completed, 10 succeeded, 10 failed" in told
    ended = fanfold("attach", batch, "--json", *fanfold.small)

    assert (ended.json["succeeded"], ended.json["failed"]) == (20, 0)
    evens, odds = sum(range(0, 20, 2)), sum(range(1, 20, 2))
    assert ended.json["output"] == evens + 100 * odds
    assert fanfold("verify", batch).code == 0


def test_same_version_refuses_code_that_has_changed(fanfold: Fanfold) -> None:
    batch = _half_failed(fanfold)
    again = fanfold("retry", batch, "--failed", "--same-version", "--json")
    assert again.json["retried"] == 10
    fanfold("attach", batch, *fanfold.small)
    (fanfold.folder / "flows.py").write_text(FLOW.format(mended=True))
    refused = fanfold("retry", batch, "--failed", "--same-version")
    assert refused.code == 1
    assert "flow half has changed since" in refused.err


def test_records_are_chosen_by_a_file_of_indexes_and_keys(fanfold: Fanfold) -> None:
    batch = _half_failed(fanfold)
    (fanfold.folder / "ids.txt").write_text("0\nr3\n\nr3\n")
    assert fanfold("retry", batch, "--ids", "ids.txt", "--json").json["retried"] == 2


def test_records_are_chosen_by_a_condition(fanfold: Fanfold) -> None:
    batch = _half_failed(fanfold)
    chosen = fanfold("retry", batch, "--where", "output > 10 or index == 3", "--json")
    assert chosen.json["retried"] == 5


def test_what_is_asked_wrongly_is_refused_and_changes_nothing(fanfold: Fanfold) -> None:
    batch = _half_failed(fanfold)
    (fanfold.folder / "ids.txt").write_text("r99\n")
    for given, why in (
        ((), "which records?"),
        (("--where", "score > 1"), "there is no 'score'"),
        (("--ids", "ids.txt"), "no record of key 'r99'"),
        (("--ids", "missing.txt"), "cannot be read"),
    ):
        refused = fanfold("retry", batch, *given)
        assert refused.code == 2
        assert why in refused.err
    assert fanfold("retry", batch, "--canceled").code == 0
    assert fanfold("status", batch, "--json").json["status"] == "completed"
