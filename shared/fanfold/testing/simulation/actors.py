"""Who moves: simulated processes, and their threads as greenlets.

A thread of a worker is a greenlet here. All of them share one real thread, and change places only
where they call a port (or a flow's code begins): so a seed decides the order of everything, and a
change of places costs less than a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

__all__ = ["Actor", "CooperativeLock", "GreenletExit", "Process", "getcurrent", "greenlet"]


@dataclass(slots=True, eq=False)
class Process:
    """What dies together."""

    name: str
    alive: bool = True
    actors: list[Actor] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Actor:
    name: str
    process: Process
    greenlet: Any = None
    #: whether nobody has it do again what is broken off: no message stands behind it
    on_its_own: bool = False
    asleep: bool = False
    #: of the message whose run it carries out
    generation: int = 0


class CooperativeLock:
    """Waited for by letting others move: whoever holds it may be in the middle of a call."""

    def __init__(self, give_way: Callable[[], None]) -> None:
        self._give_way = give_way
        self._held = False

    def __enter__(self) -> None:
        while self._held:
            self._give_way()
        self._held = True

    def __exit__(self, *_: object) -> None:
        self._held = False
