"""How a concurrency limit holds without counting what is in flight.

`released` only grows: so many positions of the dispatch order have been let go. `settled` only
grows: so many of them have ended. In flight is the difference, less those that wait.

    positions  0 ───────── settled somewhere below ─────── released ────────── paged
               ▓▓▓▓▓▓▓▓▓▓▓▓▓▒▒▓▒▒▒  ≤ concurrency unsettled │ not yet published

A tally that is read too early is too small, so `free` is too small: the limit may be missed from
below for a moment, never passed. This takes that the window is read *before* the tally and has not
changed when the grant is written: waking, which only a grant does, is what makes `waiting` shrink.
Raising or lowering the limit is changing a number.

`pending` is the outbox: a release is remembered under its token, with the record whose message
made it, until somebody notes that its messages are published. A crash in between leaves the token;
the redelivered message, or the sweep, publishes what it names again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fanfold.domain.tally import Tally


@dataclass(frozen=True, slots=True)
class Release:
    """Positions [start, stop), and waiting runs woken with them, to be published."""

    token: str
    start: int
    stop: int
    #: the record whose message makes the release; None for the fan-out and the sweep
    record: int | None
    at: float
    #: indexes of runs that waited and are due
    woken: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.stop - self.start + len(self.woken)


@dataclass(frozen=True, slots=True)
class Window:
    released: int = 0
    pending: Mapping[str, Release] = field(default_factory=dict)


def free(window: Window, tally: Tally, concurrency: int) -> int:
    return concurrency - (window.released - tally.settled - tally.waiting)


def settle_up(window: Window, done: Collection[str]) -> Window:
    """Forget the releases whose messages are published."""
    if not any(token in window.pending for token in done):
        return window
    return replace(
        window, pending={token: it for token, it in window.pending.items() if token not in done}
    )


def grant(
    window: Window,
    tally: Tally,
    *,
    concurrency: int,
    paged: int,
    due: Sequence[int],
    token: str,
    record: int | None,
    now: float,
    at_least: int = 1,
) -> tuple[Window, Release | None]:
    """Release what the limit allows now: waiting runs that are due first, then new positions.

    A release is worth its write when it is `at_least` so large, or all there is left.
    """
    room = free(window, tally, concurrency)
    woken = tuple(due[: max(0, room)])
    fresh = min(room - len(woken), paged - window.released)
    if fresh < 0 or len(woken) + fresh == 0:
        return window, None
    if len(woken) + fresh < min(at_least, len(due) + paged - window.released):
        return window, None
    release = Release(token, window.released, window.released + fresh, record, now, woken)
    pending = {**window.pending, token: release}
    return Window(window.released + fresh, pending), release
