"""The two streams: data on standard output, everything that is said on standard error.

A flow's code is loaded by some commands, and may print. What it prints must not get between the
data, so it is heard on standard error: `hearing_user_code`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from threading import Timer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


_PLAIN_COLUMNS = 80
_MAX_COLUMNS = 100
#: What is done before that is done without a word.
_BUSY_SECONDS = 0.5


class Terminal:
    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        #: nobody reads our data any more (`… | head`)
        self.is_closed = False
        self._out = sys.stdout
        self._console: Console | None = None
        self._screen: Console | None = None

    @property
    def console(self) -> Console:
        """Standard error, in colour if that is a terminal."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        return self._console

    @property
    def is_live(self) -> bool:
        """Whether standard output can be redrawn."""
        return self._out.isatty() and not self.screen.is_dumb_terminal

    @property
    def columns(self) -> int:
        """How wide a view may be: as the terminal, up to what one reads at a glance."""
        return min(self.screen.width, _MAX_COLUMNS) if self._out.isatty() else _PLAIN_COLUMNS

    @property
    def is_plain(self) -> bool:
        """Whether it has no blocks to draw with."""
        return not self.screen.encoding.startswith("utf")

    @property
    def screen(self) -> Console:
        """Standard output, to draw views on."""
        if self._screen is None:
            from rich.console import Console

            # A pipe must not cut off an id: there a view is as wide as it is.
            width = None if self._out.isatty() else 1000
            self._screen = Console(file=self._out, highlight=False, soft_wrap=True, width=width)
        return self._screen

    @contextmanager
    def busy(self, text: str) -> Iterator[Callable[[str], None]]:
        """Says what takes so long, if it does, where somebody sits and waits for it."""
        if self.quiet or not self.console.is_terminal:
            yield _ignore
            return
        status = self.console.status(text)
        timer = Timer(_BUSY_SECONDS, status.start)
        timer.daemon = True
        timer.start()
        try:
            yield status.update
        finally:
            timer.cancel()
            timer.join()
            status.stop()

    def say(self, text: RenderableType = "") -> None:
        if not self.quiet:
            self.console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Said even when quiet."""
        self.console.print(text, markup=False)

    def data(self, text: str) -> bool:
        """A line, or lines, of data; whether somebody still reads."""
        return self.data_bytes((text + "\n").encode(errors="backslashreplace"))

    def data_bytes(self, text: bytes) -> bool:
        if self.is_closed:
            return False
        try:
            self._out.flush()
            self._out.buffer.write(text)
            self._out.buffer.flush()
        except BrokenPipeError:
            self.is_closed = True
            close_quietly(self._out.fileno())
        return not self.is_closed

    def json(self, value: Any, indent: int | None = None) -> bool:
        try:
            text = json.dumps(value, indent=indent, ensure_ascii=False)
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair: as an escape it can be written
            text = json.dumps(value, indent=indent)
        return self.data(text)

    def show(self, view: RenderableType) -> bool:
        """A table or text that is the answer itself."""
        with self.screen.capture() as captured:
            self.screen.print(view, markup=False)
        lines = captured.get().splitlines()
        return self.data("\n".join(line.rstrip() for line in lines))


def _ignore(_text: str) -> None:
    pass


def close_quietly(handle: int) -> None:
    """What is still buffered goes nowhere, so that nothing fails at the interpreter's end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, handle)
    os.close(nowhere)


@contextmanager
def hearing_user_code() -> Iterator[None]:
    with redirect_stdout(sys.stderr):
        yield
