"""What many threads print, in whole lines.

`print("a", "b")` writes in pieces; those of thirty-two records at once would be mixed. A thread's
pieces are held until its line is complete.
"""

from __future__ import annotations

import io
from threading import Lock, local
from typing import TextIO


class WholeLines(io.TextIOBase):
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._own = local()
        self._turn = Lock()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # as text streams have it
        return self._stream.encoding

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def write(self, text: str, /) -> int:
        held: str = getattr(self._own, "held", "") + text
        lines, end, self._own.held = held.rpartition("\n")
        if end:
            self._put(lines + end)
        return len(text)

    def flush(self) -> None:
        """Asked for by name (`print(…, flush=True)`): half a line, too."""
        held: str = getattr(self._own, "held", "")
        self._own.held = ""
        self._put(held)

    def _put(self, text: str) -> None:
        with self._turn:
            if text:
                self._stream.write(text)
            self._stream.flush()
