"""Shuffling, sampling and the grid: computed, exact, and the same in every process."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.batch import Batch
from fanfold.domain.flow import FlowRef
from fanfold.domain.options import BatchOptions
from fanfold.domain.order import (
    combination_of,
    combinations,
    indexes_at,
    is_dispatchable,
    parameters_of,
    sample_of,
    stretches,
)
from fanfold.domain.source import Checkpoint, Source

SEEDS = st.integers(0, (1 << 63) - 1)


def batch(total: int | None, pages: int = 1, **options: Any) -> Batch:
    return Batch(
        id="batch-aaaaaaaaaaaaaaaa",
        flow=FlowRef("echo", "1", "fanfold.flows.echo:echo"),
        source=Source("blob", "records.jsonl"),
        options=BatchOptions(**options),
        request_digest="",
        created_at=0.0,
        checkpoint=Checkpoint(pages=pages, records=total or 0),
        total=total,
    )


def order(total: int, seed: int, pages: int = 1) -> list[int]:
    return list(indexes_at(batch(total, pages, shuffle=True, seed=seed), range(total)))


@given(st.integers(0, 3000), st.integers(1, 40), SEEDS)
def test_shuffling_dispatches_every_record_once(total: int, pages: int, seed: int) -> None:
    assert sorted(order(total, seed, pages)) == list(range(total))


@pytest.mark.parametrize("total", [31_999, 32_000, 32_001, 70_123])
def test_shuffling_a_large_batch_dispatches_every_record_once(total: int) -> None:
    assert sorted(order(total, 7, -(-total // 500))) == list(range(total))


@given(st.integers(1, 2000), st.integers(1, 30), SEEDS)
def test_any_part_of_the_order_is_that_part_of_the_whole(total: int, pages: int, seed: int) -> None:
    it = batch(total, pages, shuffle=True, seed=seed)
    whole = list(indexes_at(it, range(total)))
    half = total // 2
    assert list(indexes_at(it, range(half, total))) == whole[half:]


def test_the_same_seed_gives_the_same_order_and_another_another() -> None:
    assert order(1000, 1) == order(1000, 1)
    assert order(1000, 1) != order(1000, 2)


def test_a_shuffled_order_has_lost_the_source_s() -> None:
    """The first tenth of the dispatch is no tenth of the source."""
    first = order(10_000, 3, pages=20)[:1000]
    assert 4000 < mean(first) < 6000
    assert sum(1 for a, b in itertools.pairwise(first) if b == a + 1) < 20


def test_the_first_records_of_a_large_batch_come_from_all_over_it() -> None:
    pages = 400
    first = [it // 500 for it in order(200_000, 5, pages)[:2000]]
    assert len(set(first)) == 64, "as many pages as are shuffled together"
    assert max(first) - min(first) > 300


@given(st.integers(1, 3000), st.integers(1, 40), SEEDS)
def test_stretches_cover_the_order_and_read_few_pages_each(
    total: int, pages: int, seed: int
) -> None:
    it = batch(total, pages, shuffle=True, seed=seed)
    parts = list(stretches(it))
    assert [position for part in parts for position in part] == list(range(total))
    size = -(-total // pages)
    for part in parts:
        assert len({index // size for index in indexes_at(it, part)}) <= 64


def test_without_shuffle_the_order_is_the_source_s() -> None:
    assert indexes_at(batch(10), range(3, 7)) == range(3, 7)


def test_a_shuffled_batch_has_no_order_before_its_total_is_known() -> None:
    open_ = batch(None, shuffle=True, seed=1)
    assert not is_dispatchable(open_)
    assert is_dispatchable(replace(open_, total=3))
    assert is_dispatchable(batch(None))


# ------------------------------------------------------------------ samples


@given(st.integers(0, 500), st.integers(0, 600), SEEDS)
def test_a_sample_has_exactly_as_many_as_were_asked_for(records: int, k: int, seed: int) -> None:
    keeps = sample_of(BatchOptions(shuffle=True, seed=seed, max_records=k), records)
    kept = [n for n in range(records) if keeps is None or keeps(n)]
    assert len(kept) == min(k, records)


def test_a_sample_takes_every_record_as_often_as_any_other() -> None:
    """2,000 samples of 10 among 100: each record is drawn 200 times, give or take."""
    drawn: Counter[int] = Counter()
    for seed in range(2000):
        keeps = sample_of(BatchOptions(shuffle=True, seed=seed, max_records=10), 100)
        assert keeps is not None
        drawn.update(n for n in range(100) if keeps(n))
    expected = 200.0
    chi_squared = sum((drawn[n] - expected) ** 2 / expected for n in range(100))
    # 99 degrees of freedom: beyond 160 once in ten thousand. The seeds are fixed: never, or always.
    assert chi_squared < 160


def test_without_shuffle_nothing_is_drawn() -> None:
    assert sample_of(BatchOptions(max_records=3), 100) is None


# --------------------------------------------------------------------- grid


GRIDS = st.dictionaries(
    st.text(min_size=1, max_size=3), st.lists(st.integers(), min_size=1, max_size=4), max_size=3
)


@given(GRIDS, st.integers(0, 50))
def test_each_record_meets_each_combination_once(grid: dict[str, list[int]], record: int) -> None:
    options = BatchOptions(grid=grid)
    count = combinations(options)
    start = record * count
    met = [combination_of(options, index) for index in range(start, start + count)]
    if not grid:
        assert met == [None]
        return
    wanted: list[list[int]] = [[]]
    for values in grid.values():
        wanted = [[*head, value] for head in wanted for value in values]
    assert [list(it.values()) for it in met if it is not None] == wanted


def test_the_grid_is_laid_over_the_parameters() -> None:
    options = BatchOptions(parameters={"model": "small", "k": 1}, grid={"k": [1, 2], "t": [0.5]})
    assert parameters_of(options, 0) == {"model": "small", "k": 1, "t": 0.5}
    assert parameters_of(options, 3) == {"model": "small", "k": 2, "t": 0.5}
    assert parameters_of(BatchOptions(parameters={"k": 1}), 9) == {"k": 1}
