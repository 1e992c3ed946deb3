"""Ctrl-C and SIGTERM, counted: the first one asks for an orderly end, the second for one now."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

#: how often an interrupt is looked for
_SHORT_SECONDS = 0.05
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """An interrupt is only counted, and whoever works looks at `count`; but within `raised` it
    ends what is being done, by KeyboardInterrupt."""

    def __init__(self) -> None:
        self.count = 0
        self._raising = False
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        self._before = [signal.signal(number, self._received) for number in _SIGNALS]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in zip(_SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Also one that came before."""
        self._raising = True
        try:
            if self.count:
                raise KeyboardInterrupt
            yield
        finally:
            self._raising = False

    def within(self, seconds: float) -> bool:
        """Whether there is one by then."""
        until = time.monotonic() + seconds
        while not self.count and time.monotonic() < until:
            time.sleep(_SHORT_SECONDS)
        return self.count > 0

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._raising:
            raise KeyboardInterrupt
