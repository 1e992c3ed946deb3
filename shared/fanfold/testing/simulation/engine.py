"""The embedded engine over tables in memory, shared by simulated processes.

All of it is the engine that users have (engines.embedded), but for the file: the same statements,
the same transactions. Each simulated process has ports of its own, with its own name; who lives is
what the simulation says, and is found out at once or only by leases that end, as it chooses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from fanfold.domain.ids import batch_id_from
from fanfold.engines.embedded.batches import EmbeddedBatches
from fanfold.engines.embedded.flows import EmbeddedFlows
from fanfold.engines.embedded.frontier import EmbeddedFrontier
from fanfold.engines.embedded.leases import EmbeddedLeases
from fanfold.engines.embedded.letters import EmbeddedLetters
from fanfold.engines.embedded.memory import MemoryDatabase
from fanfold.engines.embedded.owners import Ownership
from fanfold.engines.embedded.queue import EmbeddedQueue
from fanfold.engines.embedded.runs import EmbeddedRuns
from fanfold.engines.embedded.unheard import Unheard
from fanfold.ports import Clock, Ids, Ports
from fanfold.testing.simulation.blobs import MemoryBlobs


class SeededIds:
    """The same seed gives the same names, and the same chance."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._number = 0

    def batch_id(self) -> str:
        return batch_id_from(self._random.randbytes(10))

    def token(self) -> str:
        self._number += 1
        return f"token-{self._number}"

    def uniform(self) -> float:
        return self._random.random()


@dataclass(slots=True)
class Registry:
    """Names of processes that count as living."""

    living: set[str]


class SimulatedOwnership(Ownership):
    """A process that is known to be dead when the simulation says so."""

    def __init__(self, name: str, registry: Registry) -> None:
        self.name = name
        self._registry = registry

    def hold(self) -> None:
        self._registry.living.add(self.name)

    def is_alive(self, name: str) -> bool:
        return name in self._registry.living

    def forget(self, name: str) -> None:
        """There is no file."""

    def let_go(self) -> None:
        self._registry.living.discard(self.name)


class MemoryEngine:
    """Emptied and used again for each schedule."""

    def __init__(self) -> None:
        self.database = MemoryDatabase()
        self.blobs = MemoryBlobs()
        self.registry = Registry(set())

    def empty(self) -> None:
        self.database.empty()
        self.blobs = MemoryBlobs()  # what is kept of the old ones is theirs
        self.registry.living.clear()

    def ports(
        self,
        owner: str,
        clock: Clock,
        ids: Ids,
        monotonic: Callable[[], float] | None = None,
    ) -> Ports:
        """Those of one simulated process. `monotonic`: how long a pull has waited, for who waits;
        without it, that is told by the clock."""
        database = self.database
        ownership = SimulatedOwnership(owner, self.registry)
        return Ports(
            queue=EmbeddedQueue(database, clock, ownership, monotonic=monotonic or clock.now),
            batches=EmbeddedBatches(database),
            runs=EmbeddedRuns(database),
            leases=EmbeddedLeases(database),
            frontier=EmbeddedFrontier(database),
            letters=EmbeddedLetters(database),
            flows=EmbeddedFlows(database),
            events=Unheard(),
            blobs=self.blobs,
            clock=clock,
            ids=ids,
            owner=owner,
        )
