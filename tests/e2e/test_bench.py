"""`fanfold bench`: what it prints and refuses. How fast it is belongs on a quiet machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fanfold.bench.bare import bare_seconds

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold


def test_the_last_line_is_one_object_with_all_that_was_measured(fanfold: Fanfold) -> None:
    done = fanfold("bench", "--records", "2000", "--workers", "2", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out.splitlines()[-1])
    assert list(found) == [
        "engine",
        "delivery",
        "records",
        "workers",
        "seconds",
        "records_per_second",
        "bare_records_per_second",
        "share_of_bare",
        "completion_lag_seconds",
        "peak_rss_mib",
        "results_per_commit",
        "writes_per_record",
        "reads_per_record",
        "publishes_per_record",
        "results_read_per_record",
    ]
    assert (found["engine"], found["records"], found["workers"]) == ("embedded", 2000, 2)
    assert abs(found["records_per_second"] * found["seconds"] - 2000) < 20
    assert found["bare_records_per_second"] > 0
    assert found["completion_lag_seconds"] >= 0
    assert found["peak_rss_mib"] > 10
    assert found["writes_per_record"] is None


def test_the_bare_store_may_be_left_out(fanfold: Fanfold) -> None:
    done = fanfold("bench", "--records", "500", "--workers", "1", "--no-bare", "--json")
    assert json.loads(done.out.splitlines()[-1])["bare_records_per_second"] is None


def test_for_people_it_is_a_sentence(fanfold: Fanfold) -> None:
    done = fanfold("bench", "--records", "500", "--workers", "1", "--no-bare")
    assert "records/s" in done.out.splitlines()[0]
    assert "500 records in" in done.out


def test_it_leaves_no_batch_in_anybody_s_home(fanfold: Fanfold) -> None:
    fanfold("bench", "--records", "100", "--workers", "1", "--no-bare")
    assert json.loads(fanfold("list", "--json").out)["batches"] == []


def test_the_bare_store_loses_nothing() -> None:
    """What one is compared with must do the same work."""
    assert bare_seconds(1500, 2) > 0
