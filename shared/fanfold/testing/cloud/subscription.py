"""One subscription's messages: lying there, leased, or given back for later.

An ack id names a message and the delivery it belongs to. It is good until the message is delivered
again or given back, even when its lease has ended; after that it does nothing, and is no error.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from fanfold.testing.cloud.refusal import invalid


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
    _held: dict[str, _Held] = field(default_factory=dict)
    _ready: deque[str] = field(default_factory=deque)
    _later: list[tuple[float, str]] = field(default_factory=list)

    def put(self, message: Any) -> None:
        self._held[message.message_id] = _Held(message)
        self._ready.append(message.message_id)

    def take(self, limit: int, now: float, again: bool) -> list[tuple[str, Any, int]]:
        """Ack id, message and attempt of each; `again`: as if their leases ended at once."""
        taken: list[tuple[str, Any, int]] = []
        while self._ready and len(taken) < limit:
            name = self._ready.popleft()
            held = self._held.get(name)
            if held is None:  # acked meanwhile, after its lease had ended
                continue
            held.attempt += 1
            held.given_back = False
            self._set_due(name, held, now if again else now + self.ack_deadline)
            attempt = 0 if self.max_deliveries is None else held.attempt
            taken.append((f"{name}:{held.attempt}", held.message, attempt))
        return taken

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
            return
        held.given_back = True
        backoff = min(self.max_backoff, self.min_backoff * 2 ** (held.attempt - 1))
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
