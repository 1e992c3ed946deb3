"""Whether this process should take on no more, because memory or load is above its bound.

    calm ──a reading is above its bound──▶ paused ──all are below nine tenths of theirs──▶ calm

Paused, nothing is pulled; what is held is finished. The gap between the two keeps it from changing
its mind with every record. It looks at most once a second, in the thread that has nothing else to
do; whoever pulls only asks `is_high`. Without bounds there is nothing to look at.

A reading that fails later on counts as low: a worker that cannot see must not stand still for it.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from fanfold import log
from fanfold.worker.bounds import MIB, Bounds
from fanfold.worker.gauges import Gauges, Unreadable

_LOOK_SECONDS = 1.0
_LOW = 0.9


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on one reading."""

    what: str
    bound: float
    read: Callable[[], float]
    show: Callable[[float], str]


def limits_of(bounds: Bounds, gauges: Gauges) -> list[Limit]:
    """Raises Unreadable if one of them could not be kept."""
    limits: list[Limit] = []
    if bounds.memory is not None:
        limits.append(Limit("memory", bounds.memory, gauges.resident, _mib))
    if bounds.memory_share is not None:
        limits.append(
            Limit("the machine's memory", bounds.memory_share, gauges.memory_share, _percent)
        )
    if bounds.load is not None:
        limits.append(Limit("load", bounds.load, gauges.load, _plain))
    for limit in limits:
        limit.read()
    return limits


class Pressure:
    def __init__(self, limits: Sequence[Limit] = (), now: Callable[[], float] = monotonic) -> None:
        self._limits = limits
        self._now = now
        self._looked_at = -math.inf
        self._unread: set[str] = set()
        self.is_high = False

    def look(self) -> None:
        """If it is time to."""
        if not self._limits or self._now() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = self._now()
        share = _LOW if self.is_high else 1.0
        readings = [(limit, self._reading(limit)) for limit in self._limits]
        above = [(limit, it) for limit, it in readings if it > share * limit.bound]
        if bool(above) == self.is_high:
            return
        self.is_high = bool(above)
        if self.is_high:
            figures = " and ".join(_above(*it) for it in above)
            log.warning("worker.paused", f"nothing is pulled until {figures}")
            gc.collect()  # what only the collector can free would keep memory up for ever
        else:
            figures = ", ".join(f"{limit.what} is {limit.show(it)}" for limit, it in readings)
            log.warning("worker.resumed", f"it pulls again: {figures}")

    def _reading(self, limit: Limit) -> float:
        try:
            return limit.read()
        except Unreadable as error:
            if limit.what not in self._unread:
                self._unread.add(limit.what)
                log.error("pressure.unreadable", str(error))
            return 0.0


def _above(limit: Limit, reading: float) -> str:
    bound, low = limit.show(limit.bound), limit.show(_LOW * limit.bound)
    return f"{limit.what} is below {low} (it is {limit.show(reading)}, above {bound})"


def _mib(size: float) -> str:
    return f"{size / MIB:,.1f} MiB"


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _plain(number: float) -> str:
    return f"{number:.2f}"
