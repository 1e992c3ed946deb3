"""A batch's slowest runs, looked for beside whoever watches.

They are found by looking at every run there is, which takes a second for a million. So it is done
in a thread, that the page may go on; seldom; and the more seldom the longer it took.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from fanfold.domain.run import Run
    from fanfold.ports import Runs

SHOWN = 5
_EVERY_SECONDS = 5.0
#: of the time, to look for them
_SHARE = 0.05


class Slowest:
    def __init__(
        self, runs: Runs, batch_id: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._runs = runs
        self._batch_id = batch_id
        self._clock = clock
        self._looker = ThreadPoolExecutor(1, thread_name_prefix="fanfold-slowest")
        self._looking: Future[tuple[tuple[Run, ...], float]] | None = None
        self._found: tuple[Run, ...] = ()
        #: how many runs were settled when they were looked for
        self._among = 0
        self._due = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The engine is not closed under whoever still looks."""
        self._looker.shutdown()

    def among(self, settled: int, *, wait: bool = False) -> tuple[Run, ...]:
        """As far as they are known; if one waits for it, of all that are settled."""
        self._collect(wait=wait)
        if settled != self._among and (wait or (self._looking is None and self._is_due())):
            self._looking = self._looker.submit(self._look)
            self._among = settled
            self._collect(wait=wait)
        return self._found

    def _is_due(self) -> bool:
        return self._clock() >= self._due

    def _collect(self, *, wait: bool) -> None:
        if self._looking is not None and (wait or self._looking.done()):
            self._found, took = self._looking.result()
            self._looking = None
            self._due = self._clock() + max(_EVERY_SECONDS, took / _SHARE)

    def _look(self) -> tuple[tuple[Run, ...], float]:
        begun = self._clock()
        found = tuple(self._runs.slowest(self._batch_id, SHOWN))
        return found, self._clock() - begun
