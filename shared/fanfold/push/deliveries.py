"""How often each message has come, where Pub/Sub does not say it: its emulator's pushes do not.

Without that a redelivery looks like the first time, and a record that kills its process would do so
for ever. A line is written before a message is worked on; nothing is written when that went well,
so whoever starts anew in the same place knows what was at work when the other died, and more.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Lock


def deliveries_at(home: Path) -> Path:
    """The folder; whoever brings new emulators up empties it, for they number from 1 again."""
    return home / "deliveries"


class Deliveries:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        # unbuffered: it is written when `count` returns, also if the process dies then
        self._file = path.open("ab", buffering=0)
        self._counts = Counter(path.read_text(encoding="utf-8").splitlines())

    def count(self, message: str) -> int:
        """One more; the number of them."""
        with self._lock:
            self._file.write(f"{message}\n".encode())
            self._counts[message] += 1
            return self._counts[message]

    def close(self) -> None:
        self._file.close()
