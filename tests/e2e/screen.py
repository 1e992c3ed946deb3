"""A terminal, as a command under test sees it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

COLUMNS = 80
_ROWS = 24
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_HOME = "\x1b[H"
_LEAVE = "\x1b[?1049l"


class Screen:
    """A command that has been started on a terminal of its own."""

    def __init__(
        self,
        fanfold: Fanfold,
        *arguments: str,
        columns: int = COLUMNS,
        rows: int = _ROWS,
        **env: str,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        inherited = fanfold.env(TERM="xterm-256color", **env)
        del inherited["COLUMNS"]
        self.process = subprocess.Popen(
            fanfold.command(*arguments),
            cwd=fanfold.folder,
            env=inherited,
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._chunks: list[bytes] = []

    def until(self, condition: Callable[[str], object]) -> None:
        """Until what has been written so far meets it; whoever ends before has failed."""
        while not condition(self.text):
            assert self._read(), self.text

    def end(self) -> int:
        """Its exit code; all has been written then."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait()

    @property
    def text(self) -> str:
        """With the colours and the moves of the cursor."""
        return b"".join(self._chunks).decode(errors="ignore")

    @property
    def pages(self) -> list[list[str]]:
        """What was drawn on the alternate screen, one after the other."""
        drawn, _, _ = self.text.partition(_LEAVE)
        return [lines_of(page) for page in drawn.split(_HOME)[2:]]

    @property
    def left(self) -> list[str]:
        """What stays when the alternate screen is gone."""
        return lines_of(self.text.rpartition(_LEAVE)[2])

    def _read(self) -> bool:
        try:
            chunk = os.read(self._ours, 65536)
        except OSError:  # how a terminal says that its last writer is gone
            return False
        self._chunks.append(chunk)
        return bool(chunk)


def seen(
    fanfold: Fanfold, *arguments: str, columns: int = COLUMNS, code: int | None = 0, **env: str
) -> str:
    """All that a command writes to a terminal, with the colours and the moves of the cursor."""
    screen = Screen(fanfold, *arguments, columns=columns, rows=_ROWS, **env)
    ended = screen.end()
    assert code in (None, ended), screen.text
    return screen.text


def lines_of(text: str) -> list[str]:
    plain = _CONTROL.sub("", text.replace(_LEAVE, "\n"))
    return [it.rstrip() for it in re.split(r"[\r\n]+", plain) if it.strip()]
