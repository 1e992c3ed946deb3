"""What is left of a batch that has ended: its results, as often as they are asked for."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from fanfold import run_batch
from fanfold.errors import BatchNotFound
from fanfold.notebook import Done, RecordsFailed
from fanfold.testing.puppet import puppet


def run(*records: Any, **options: Any) -> Done:
    return run_batch(puppet, records, threads=4, **options)


def test_results_are_in_record_order_as_often_as_they_are_read() -> None:
    done = run(*({"id": f"k{n}", "do": "return", "value": n} for n in range(1200)))
    for _ in range(2):
        assert [(it.index, it.key, it.output) for it in done.results] == [
            (n, f"k{n}", n) for n in range(1200)
        ]
    assert len(done.results) == len(done) == 1200
    assert list(done) == list(done.results)


def test_a_result_has_its_record_s_place() -> None:
    done = run("a", "b", "c", "d")
    assert [done[1].output, done[-1].output, done.results[2].output] == ["b", "d", "c"]
    assert [it.output for it in done.results[1:]] == ["b", "c", "d"]
    assert [it.output for it in done.results[::-2]] == ["d", "b"]
    assert done.results[4:] == []
    with pytest.raises(IndexError, match="no record 4: there are 4"):
        done[4]


def test_outputs_are_in_line_with_the_records() -> None:
    assert run("a", {"do": "permanent"}, "c").outputs == ["a", None, "c"]


def test_nothing_is_raised_where_every_record_succeeded() -> None:
    done = run("a")
    done.raise_for_failures()
    assert done.ok


def test_what_failed_is_told_by_kinds_the_most_frequent_first() -> None:
    done = run(
        {"do": "permanent", "message": "once"},
        "a",
        *[{"do": "error", "message": "often"}] * 2,
        retries=0,
    )
    assert not done.ok
    with pytest.raises(RecordsFailed) as raised:
        done.raise_for_failures()
    said = str(raised.value).replace("record 3", "record 2")  # either is an example
    assert said == (
        f"3 of 4 records have no output; {done.batch_id} is completed. "
        "2 x ValueError, such as record 2: often. 1 x Permanent, such as record 0: once"
    )


def test_a_fold_that_fails_is_told_though_every_record_succeeded() -> None:
    from fanfold import flow

    @flow(fold=lambda _: 1 / 0)
    def same(record: int) -> int:
        return record

    done = run_batch(same, [1])
    assert done.outputs == [1]
    with pytest.raises(RecordsFailed, match="the fold failed: division by zero"):
        done.raise_for_failures()


def test_it_tells_itself_in_one_line() -> None:
    done = run("a", {"do": "permanent"})
    begin = f"<{done.batch_id} completed: 1 succeeded, 1 failed, "
    assert repr(done).startswith(begin)


def test_results_of_a_home_that_is_gone_are_told_to_be_gone(tmp_path: Path) -> None:
    done = run("a", home=tmp_path / "short")
    shutil.rmtree(tmp_path / "short")
    with pytest.raises(BatchNotFound, match="Read them before it goes"):
        list(done.results)
    assert not (tmp_path / "short").exists()
