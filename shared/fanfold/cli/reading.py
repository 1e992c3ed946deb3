"""Progress while a source is read, once that takes longer than a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from fanfold.cli.numbers import count

if TYPE_CHECKING:
    from rich.status import Status

    from fanfold.cli.order import Watch
    from fanfold.cli.terminal import Terminal
    from fanfold.sources.line import Line

_PATIENCE = 1.0
#: for a log file: a line now and then
_PLAIN_SECONDS = 5.0
_STANDARD_INPUT = "-"


class Progress:
    def __init__(
        self, terminal: Terminal, held: ExitStack, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._terminal = terminal
        self._held = held
        self._clock = clock
        self._shown: Status | None = None
        self._on_terminal = terminal.console.is_terminal
        self._next = clock() + (_PATIENCE if self._on_terminal else _PLAIN_SECONDS)

    def see(self, records: int) -> None:
        now = self._clock()
        if now < self._next:
            return
        text = f"reading the source: {count(records, 'record')}"
        if not self._on_terminal:
            self._next = now + _PLAIN_SECONDS
            self._terminal.say(f"fanfold: {text}")
            return
        self._next = now + 0.1
        if self._shown is None:
            self._shown = self._held.enter_context(self._terminal.console.status(text))
        self._shown.update(text)


@contextmanager
def reading(terminal: Terminal, sources: Sequence[str]) -> Iterator[Watch]:
    """To pass the records through, so that they are seen."""
    typed = _STANDARD_INPUT in sources and sys.stdin is not None and sys.stdin.isatty()
    if typed:
        terminal.say("fanfold: reading records from the terminal, one JSON value a line; "
                     "Ctrl-D ends them")  # fmt: skip
    if typed or terminal.quiet:  # what is typed must not be written over
        yield iter
        return
    with ExitStack() as held:
        progress = Progress(terminal, held)

        def watch(lines: Iterator[Line]) -> Iterator[Line]:
            for number, line in enumerate(lines, 1):
                progress.see(number)
                yield line

        yield watch
