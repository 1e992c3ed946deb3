"""Several calls at once, each of which may wait for the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

S = TypeVar("S")
T = TypeVar("T")
#: calls under way at once
USUAL = 10


def abreast(call: Callable[[S], T], its: Sequence[S], most: int = USUAL) -> list[T]:
    """In the order of `its`; `most` at once."""
    if len(its) <= 1:
        return [call(it) for it in its]
    with ThreadPoolExecutor(min(most, len(its)), thread_name_prefix="abreast") as pool:
        return list(pool.map(call, its))
