"""Time and names that hold still."""

from __future__ import annotations

from itertools import count

from fanfold.domain.ids import batch_id_from


class StillClock:
    """A clock that moves only when told to."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def pass_(self, seconds: float) -> None:
        self._now += seconds


class CountedIds:
    """Ids in order, and chance that always comes up the same."""

    def __init__(self, uniform: float = 0.5) -> None:
        self._numbers = count(1)
        self._uniform = uniform

    def batch_id(self) -> str:
        return batch_id_from(next(self._numbers).to_bytes(10, "big"))

    def token(self) -> str:
        return f"token-{next(self._numbers)}"

    def uniform(self) -> float:
        return self._uniform
