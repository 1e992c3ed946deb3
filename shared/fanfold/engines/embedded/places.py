"""A run's place: its batch's number shifted by 40 bits plus its index.

One integer key, so that a batch's runs lie together in record order and are found without an index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

INDEX_BITS = 40
INDEX_MASK = (1 << INDEX_BITS) - 1
#: how many places one statement names
_CHUNK = 500


def place_of(batch: int, index: int) -> int:
    return batch << INDEX_BITS | index


def places_of(batch: int) -> tuple[int, int]:
    """The first and last place of a batch's runs."""
    return batch << INDEX_BITS, (batch + 1 << INDEX_BITS) - 1


def index_of(place: int) -> int:
    return place & INDEX_MASK


def places_among(db: sqlite3.Connection, table: str, places: Sequence[int]) -> list[int]:
    return [
        place
        for chunk in chunks(places)
        for (place,) in db.execute(
            f"SELECT place FROM {table} WHERE place IN ({','.join('?' * len(chunk))})", chunk
        )
    ]


def select_places(
    db: sqlite3.Connection, table: str, columns: str, number: int, indexes: Iterable[int]
) -> Iterable[tuple[Any, ...]]:
    if isinstance(indexes, range) and indexes.step == 1:
        if indexes:
            yield from db.execute(
                f"SELECT {columns} FROM {table} WHERE place BETWEEN ? AND ?",
                (place_of(number, indexes[0]), place_of(number, indexes[-1])),
            )
        return
    for chunk in chunks([place_of(number, index) for index in indexes]):
        yield from db.execute(
            f"SELECT {columns} FROM {table} WHERE place IN ({','.join('?' * len(chunk))})", chunk
        )


def chunks(places: Sequence[int]) -> Iterable[Sequence[int]]:
    for start in range(0, len(places), _CHUNK):
        yield places[start : start + _CHUNK]
