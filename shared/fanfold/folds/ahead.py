"""Reading ahead: some reads are under way while what was read before is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(reads: Iterable[Callable[[], T]], number: int) -> Iterator[T]:
    """The answers, in order, with so many reads under way at once beside the one that is waited
    for; with none, each is made when it is its turn. No more answers than that lie in memory."""
    if not number:
        yield from (read() for read in reads)
        return
    pool = ThreadPoolExecutor(number, "fanfold-ahead")
    try:
        under_way: deque[Future[T]] = deque()
        for read in reads:
            under_way.append(pool.submit(read))
            if len(under_way) > number:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:  # also when whoever reads has seen enough
        pool.shutdown(wait=False, cancel_futures=True)
