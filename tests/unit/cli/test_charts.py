"""Numbers as blocks: what is more than nothing is seen, and the rest keeps its proportion."""

from __future__ import annotations

from fanfold.cli.charts import chart, shared


def test_the_tallest_fills_its_column_and_the_others_are_in_proportion() -> None:
    assert chart([0, 1, 2, 4, 8], 10) == [" ▁▂▄█"]


def test_what_is_next_to_nothing_is_seen_all_the_same() -> None:
    assert chart([1, 1_000_000], 10) == ["▁█"]


def test_a_taller_chart_is_drawn_from_the_ground_up() -> None:
    assert chart([8, 16, 4], 10, 2) == [" █ ", "██▄"]


def test_without_blocks_there_are_letters() -> None:
    assert chart([0, 1, 8], 10, plain=True) == [" .@"]


def test_of_nothing_there_is_nothing_to_draw() -> None:
    assert chart([], 10) == [""]
    assert chart([0, 0], 10) == ["  "]


def test_where_there_are_more_values_than_columns_neighbours_share_one() -> None:
    assert shared([1, 3, 5, 7], 2) == [2, 6]
    assert len(shared(range(121), 40)) == 40
    assert shared([1, 2], 40) == [1, 2]
