"""How much a worker process takes on, and how long it takes to leave: chosen by who starts it.

| bound    | above it                                                                       |
|----------|--------------------------------------------------------------------------------|
| messages | nothing is pulled until something is acked or given back                       |
| bytes    | the same                                                                       |
| memory   | nothing is pulled until it is well below (worker.pressure)                     |
| load     | the same                                                                       |
| grace    | what still runs when so much time has passed is given back (worker.grace)      |
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    #: messages of runs that are held and not acked, what waits in the parking included
    messages: int = 5000
    #: the same in bytes of their bodies
    bytes: int = 256 * MIB
    #: resident bytes of this process
    memory: int | None = None
    #: the used share of the memory that this machine or container has
    memory_share: float | None = None
    #: the machine's load average over one minute
    load: float | None = None
    #: seconds for what runs once the process is told to stop; None: as the engine's policy says
    grace: float | None = None


#: for whoever says nothing
USUAL = Bounds()
