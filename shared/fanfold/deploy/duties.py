"""What each function may do: the least that it needs, of which the deployment makes permissions.

A test runs every function and holds what it does against this, in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fanfold.domain.priority import PRIORITIES
from fanfold.engines.google.resources import events, topic
from fanfold.ports import CLASSED, Station

#: the topic that tells of batches
EVENTS: Literal["events"] = "events"


@dataclass(frozen=True, slots=True)
class Duty:
    #: stations it publishes to, and EVENTS
    publishes: tuple[Station | Literal["events"], ...]
    #: what it does with blobs
    blobs: Literal["reads", "writes"]

    @property
    def topics(self) -> tuple[str, ...]:
        names: list[str] = []
        for it in self.publishes:
            if it == EVENTS:
                names.append(events(""))
            else:
                station = Station(it)
                kinds = PRIORITIES if station in CLASSED else PRIORITIES[:0]
                names += [topic("", station, kind) for kind in kinds] or [topic("", station)]
        return tuple(sorted(names))


_RUNS, _FAN_OUT = Station.RUNS, Station.FAN_OUT
_FINALIZATIONS, _LETTERS = Station.FINALIZATIONS, Station.DEAD_LETTERS

DUTIES: dict[str, Duty] = {
    # it creates, resumes, cancels, changes and runs again
    "api": Duty((_FAN_OUT, _RUNS, _FINALIZATIONS, EVENTS), "writes"),
    "fan_out": Duty((_FAN_OUT, _RUNS, _FINALIZATIONS, EVENTS, _LETTERS), "writes"),
    # of scattered runs it makes batches
    "run_flow": Duty((_FAN_OUT, _RUNS, _FINALIZATIONS, EVENTS, _LETTERS), "writes"),
    # it has those begin, or end, that come after what has ended, and wakes who waits for it
    "finalize": Duty((_FAN_OUT, _RUNS, _FINALIZATIONS, EVENTS, _LETTERS), "writes"),
    "dead_letter": Duty((_RUNS, _FINALIZATIONS, EVENTS), "reads"),
    "sweep": Duty((_FAN_OUT, _RUNS, _FINALIZATIONS, EVENTS), "reads"),
}
