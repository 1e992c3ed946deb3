"""Whether this process is to stop."""

from __future__ import annotations

import time

_TICK = 0.02


class Stopping:
    """As an Event, but setting it takes no lock: a signal's handler runs on top of whatever the
    main thread was at, which may be waiting for that very event, and hold its lock."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """So long, or until shortly after it is set; whether it is."""
        end = time.monotonic() + seconds
        while not self._is_set and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _TICK))
        return self._is_set
