"""`fanfold prune` on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_it_says_what_it_would_remove_and_removes_it(fanfold: Fanfold) -> None:
    source = fanfold.write("two.jsonl", [1, 2])
    fanfold("run", "echo", source, *fanfold.small)
    (batch,) = fanfold.batches()
    wanted = ("prune", "--older-than", "0s", "--json")

    none: dict[str, list[str]] = {"forgotten": [], "dead_letters": []}
    young = fanfold.inside("prune", "--older-than", "1d", "--json").json
    others = fanfold.inside(*wanted, "--status", "failed").json
    dry = fanfold.inside(*wanted, "--dry-run").json
    results = fanfold.inside("results", "last")
    done = fanfold.inside(*wanted).json

    assert young["pruned"] == others["pruned"] == []
    assert dry == {"dry_run": True, "pruned": [batch["batch_id"]], **none}
    assert results.code == 0, "nothing was removed so far"
    assert done == {"dry_run": False, "pruned": [batch["batch_id"]], **none}
    gone = fanfold.inside("results", "last")
    assert (gone.code, gone.out) == (1, "")
    assert "has been pruned: its counts are kept" in gone.err
    seen = fanfold.inside("status", "last", "--json").json
    assert (seen["status"], seen["succeeded"]) == ("completed", 2)
    assert fanfold.inside("verify", "last").code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--older-than", "long"), "say seconds"),
        (("--older-than", "1d", "--status", "running"), "only what has ended is pruned"),
        ((), "--older-than"),
    ],
)
def test_what_cannot_be_is_refused(fanfold: Fanfold, arguments: tuple[str, ...], says: str) -> None:
    refused = fanfold.inside("prune", *arguments)
    assert refused.code == 2
    assert says in refused.err


def test_where_nothing_is_nothing_is_pruned(fanfold: Fanfold) -> None:
    done = fanfold.inside("prune", "--older-than", "1d")
    assert (done.code, done.out) == (0, "")
    assert "0 batches pruned" in done.err
