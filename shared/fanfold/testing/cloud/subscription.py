"""One subscription's messages: lying there, leased, or given back for later.

What is pulled is leased until its time is over. What is pushed is out until it is acked or given
back: its request has a deadline of its own, which whoever pushes sees to.

An ack id names a message and the delivery it belongs to. It is good until the message is delivered
again or given back, even when its lease has ended; after that it does nothing, and is no error.
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from fanfold.testing.cloud.refusal import invalid

#: more than any back-off needs to reach its longest
_DOUBLINGS = 20


@dataclass(slots=True)
class _Held:
    message: Any
    attempt: int = 0
    #: when it may be delivered again; None while it lies in the queue
    due: float | None = None
    given_back: bool = False


@dataclass(slots=True)
class Subscription:
    name: str
    ack_deadline: float
    min_backoff: float = 0.0
    max_backoff: float = 0.0
    max_deliveries: int | None = None
    dead_letters: str = ""
    #: where its messages are pushed; empty: they are only pulled
    endpoint: str = ""
    _held: dict[str, _Held] = field(default_factory=dict)
    _ready: deque[str] = field(default_factory=deque)
    _later: list[tuple[float, str]] = field(default_factory=list)

    def put(self, message: Any) -> None:
        self._held[message.message_id] = _Held(message)
        self._ready.append(message.message_id)

    def take(self, limit: int, now: float, again: bool) -> list[tuple[str, Any, int]]:
        """Ack id, message and attempt of each; `again`: as if their leases ended at once."""
        taken: list[tuple[str, Any, int]] = []
        while len(taken) < limit and (found := self._next()) is not None:
            name, held = found
            self._set_due(name, held, now if again else now + self.ack_deadline)
            taken.append(self._told(name, held))
        return taken

    def take_out(self) -> tuple[str, Any, int] | None:
        """The same of one that is to be pushed."""
        found = self._next()
        if found is None:
            return None
        name, held = found
        held.due = math.inf
        return self._told(name, held)

    def put_behind(self, ack_id: str, chance: random.Random) -> None:
        """It was not delivered after all, and lies anywhere among the others again."""
        name, held = self._of(ack_id)
        if held is not None:
            held.attempt -= 1
            held.due = None
            self._ready.insert(chance.randint(0, len(self._ready)), name)

    @property
    def lying(self) -> int:
        """About how many wait to be delivered."""
        return len(self._ready)

    def ack(self, ack_id: str) -> None:
        name, held = self._of(ack_id)
        if held is not None:
            del self._held[name]

    def set_deadline(self, ack_id: str, seconds: float, now: float) -> None:
        name, held = self._of(ack_id)
        if held is None or held.due is None:  # it lies there again
            return
        if seconds:
            self._set_due(name, held, now + seconds)
        else:
            self.give_back(ack_id, now)

    def give_back(self, ack_id: str, now: float) -> None:
        name, held = self._of(ack_id)
        if held is not None:
            held.given_back = True
            doubled = 2.0 ** min(held.attempt - 1, _DOUBLINGS)
            backoff = min(self.max_backoff, self.min_backoff * doubled)
            self._set_due(name, held, now + backoff)

    def let_go(self, now: float) -> list[tuple[Any, int]]:
        """Back to the queue with what is due. Those that were delivered too often are returned,
        and are here no more."""
        letters = []
        while self._later and self._later[0][0] <= now:
            due, name = heappop(self._later)
            held = self._held.get(name)
            if held is None or held.due != due:  # acked, or its lease was changed
                continue
            if self.max_deliveries is not None and held.attempt >= self.max_deliveries:
                del self._held[name]
                letters.append((held.message, held.attempt))
            else:
                held.due = None
                self._ready.append(name)
        return letters

    def next_due(self) -> float | None:
        return self._later[0][0] if self._later else None

    def shuffle(self, chance: random.Random) -> None:
        mixed = list(self._ready)
        chance.shuffle(mixed)
        self._ready = deque(mixed)

    def _next(self) -> tuple[str, _Held] | None:
        while self._ready:
            name = self._ready.popleft()
            held = self._held.get(name)
            if held is not None:  # else it was acked meanwhile, after its lease had ended
                held.attempt += 1
                held.given_back = False
                return name, held
        return None

    def _told(self, name: str, held: _Held) -> tuple[str, Any, int]:
        # without dead letters nobody is told
        attempt = 0 if self.max_deliveries is None else held.attempt
        return f"{name}:{held.attempt}", held.message, attempt

    def _set_due(self, name: str, held: _Held, due: float) -> None:
        held.due = due
        heappush(self._later, (due, name))

    def _of(self, ack_id: str) -> tuple[str, _Held | None]:
        """The message this ack id is still good for."""
        name, colon, attempt = ack_id.rpartition(":")
        if not colon or not attempt.isdecimal():
            raise invalid(f"Invalid ack id (ack_id={ack_id})")
        held = self._held.get(name)
        good = held is not None and held.attempt == int(attempt) and not held.given_back
        return name, held if good else None
