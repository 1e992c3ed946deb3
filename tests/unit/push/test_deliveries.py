"""Counting deliveries where Pub/Sub does not say which it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fanfold.push.deliveries import Deliveries

Open = Callable[[], Deliveries]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Each call is another process that has begun in the same place."""
    everyone: list[Deliveries] = []

    def open_() -> Deliveries:
        everyone.append(Deliveries(tmp_path / "deep" / "runs"))
        return everyone[-1]

    yield open_
    for it in everyone:
        it.close()


def test_each_message_is_counted_by_itself(opened: Open) -> None:
    it = opened()
    assert [it.count(name) for name in ("s/1", "s/2", "s/1", "s/1")] == [1, 1, 2, 3]


def test_who_begins_after_a_death_goes_on_counting(opened: Open) -> None:
    opened().count("s/1")  # it is never closed, as by a death
    assert opened().count("s/1") == 2
