"""How many attempts of a batch may begin per time, over all processes together.

A rate is kept as it was written (`10/s`, `600/min`, `5000/h`). It gives *turns*, one every `step`
seconds; an attempt begins in a turn of its own. Nothing is counted: the time of the last turn that
was given away is all there is to know, and `reserve` moves it on.

    given away ────────── last │ first … so many turns, a step apart │ still to be had
                               └─ step ─┘    (never in the past: what was not taken is lost)

So of any turns, given to whomever in whatever order, at most rate * t + 1 lie in t seconds; and a
process that dies with turns in its hand has lost them, and left nobody too many. Turns are given
away no further ahead than some seconds: a lower rate holds from then on at the latest, and a higher
one at once, for the step after the last turn is the present one.

A turn is good for a moment only (`lateness`). Whoever comes later takes another one: else runs that
waited for a lane would begin together. So in t seconds at most rate * (t + lateness) + 1 begin, as
far as the clocks of the processes agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import floor

FORMS = "a number of attempts per time, such as 10/s, 600/min, 5000/h or 100/day"
_MOST, _LEAST = 100_000.0, 1 / 86_400
_RATE = re.compile(
    r"([0-9]+(?:\.[0-9]+)?) ?/ ?(s|sec|second|m|min|minute|h|hour|d|day)", re.IGNORECASE
)
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
#: seconds that a turn is good for, or this share of a step, if that is more
_LATENESS, _LATENESS_SHARE = 0.05, 0.1
#: by clocks that count in floats
_A_MOMENT = 0.001


@lru_cache(maxsize=64)
def per_second(text: str) -> float:
    """Raises ValueError with the forms there are."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"must be {FORMS}")
    rate = float(found[1]) / _SECONDS[found[2][0].lower()]
    if rate == 0:
        raise ValueError("must let something begin: to hold a batch, pause it")
    if not _LEAST <= rate <= _MOST:
        raise ValueError(f"must be at least 1/day and at most {_MOST:.0f}/s: leave it out for more")
    return rate


def step_of(text: str) -> float:
    """Seconds from one turn to the next."""
    return 1.0 / per_second(text)


def lateness(step: float) -> float:
    return max(_LATENESS, _LATENESS_SHARE * step)


@dataclass(frozen=True, slots=True)
class Turn:
    at: float
    step: float

    def is_good(self, now: float) -> bool:
        """Whether an attempt may begin in it now."""
        return self.at - _A_MOMENT <= now <= self.at + lateness(self.step)


@dataclass(frozen=True, slots=True)
class Turns:
    """So many, from the first on, a step apart. Of none, `first` is the one still to be had."""

    first: float
    step: float
    count: int

    def __iter__(self) -> Iterator[Turn]:
        return (Turn(self.first + it * self.step, self.step) for it in range(self.count))

    @property
    def last(self) -> float:
        return self.first + (self.count - 1) * self.step

    @property
    def next(self) -> float:
        """The one after these."""
        return self.first + self.count * self.step


def reserve(last: float | None, wanted: int, step: float, ahead: float, now: float) -> Turns:
    """The next turns after `last`, at most so many, none further away than `ahead` seconds."""
    first = now if last is None else max(now, last + step)
    within = floor((now + ahead - first) / step) + 1
    return Turns(first, step, max(0, min(wanted, within)))
