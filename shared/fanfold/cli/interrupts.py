"""Ctrl-C and SIGTERM, counted: the first one asks for an orderly end, the second for one now."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While `raising`, an interrupt ends what is being done, by KeyboardInterrupt; later it is only
    counted, and whoever works looks at `count`."""

    def __init__(self, *, raising: bool = False) -> None:
        self.count = 0
        self.raising = raising
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

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.raising:
            raise KeyboardInterrupt
