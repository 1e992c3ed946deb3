"""Which class of runs is asked for next, where each class has a subscription of its own.

    high, if it is time ─▶ low, if it had some lately ─▶ normal, waiting ─▶ low, if it is time ─┐
      ▲                    (but before it normal,                                               │
      │                    if it is time)                                                       │
      └──────────────── nothing yet, and there is time left ◀───────────────────────────────────┘

Whoever asks waits at one subscription only, that of `normal`. The others are looked at without
waiting: at each pull as long as they have something, and ever less often once they have not, down
to every half a second. So a class that is not used costs four requests a second, whatever is pulled
of the others; and what is published to one is noticed within half a second, also while `low` is
pulled and `normal` begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from fanfold.domain.priority import Priority

#: a class that has nothing is looked at as often
LOOK_SECONDS = 0.5
#: the first time that one has nothing, when it is looked at again; then after twice as long
_SOON = 0.02

#: up to so many messages of a class, as they were received; seconds to wait for the first, or None
Ask = Callable[[Priority, int, float | None], list[Any]]


@dataclass(slots=True)
class _Class:
    """What is known of one, by whoever asks."""

    #: whether it had something when it was asked last
    has_some: bool = False
    #: when it is to be asked again
    due_at: float = -math.inf
    pause: float = 0.0

    def note(self, now: float, *, found: bool) -> None:
        self.has_some = found
        self.pause = 0.0 if found else min(LOOK_SECONDS, max(_SOON, 2 * self.pause))
        self.due_at = now + self.pause


class Classes:
    def __init__(self, ask: Ask, now: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._now = now
        self._known = {it: _Class() for it in Priority}

    def pull(self, limit: int, wait: float) -> tuple[Priority, list[Any]]:
        """Of one class. Without a wait each is asked, in their order."""
        deadline = self._now() + wait
        always = wait <= 0
        while True:
            for it in self._to_look_at(always=always):
                if found := self._asked(it, limit, None):
                    return it, found
            left = deadline - self._now()
            if left <= 0:
                return Priority.NORMAL, []
            patience = min(left, max(_SOON, self._known[Priority.HIGH].due_at - self._now()))
            if found := self._asked(Priority.NORMAL, limit, patience):
                return Priority.NORMAL, found
            if self._is_due(Priority.LOW) and (found := self._asked(Priority.LOW, limit, None)):
                return Priority.LOW, found

    def _to_look_at(self, *, always: bool) -> list[Priority]:
        """Before it waits for normal ones. A class that is lower than those is not looked at until
        they have been asked, unless that was a moment ago."""
        if always:
            return list(Priority)
        chosen = [Priority.HIGH] if self._is_due(Priority.HIGH) else []
        if self._known[Priority.LOW].has_some:
            chosen += [Priority.NORMAL] if self._is_due(Priority.NORMAL) else []
            chosen.append(Priority.LOW)
        return chosen

    def _is_due(self, it: Priority) -> bool:
        return self._known[it].due_at <= self._now()

    def _asked(self, it: Priority, limit: int, wait: float | None) -> list[Any]:
        found = self._ask(it, limit, wait)
        self._known[it].note(self._now(), found=bool(found))
        return found
