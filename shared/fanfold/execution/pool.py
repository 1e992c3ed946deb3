"""Child processes between two records: started, kept for the next one, ended.

What a child has imported stays in it, and counts as its memory. So a flow that has a limit gets
children of its own, and its limit is the same for each of its records: a child that has kept much
of what a record took is not used again. All other flows share theirs.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

from fanfold.domain.flow import FlowRef
from fanfold.execution.process import ChildProcess

#: a child that nobody needed for so many seconds is ended when somebody next looks
IDLE_SECONDS = 60.0
#: how much of what its limit leaves beside the flow itself a child may keep from a record
_KEEPS = 0.5


@dataclass(eq=False, slots=True)
class Child:
    process: ChildProcess
    #: the flow it is kept for; None: any
    serves: FlowRef | None
    #: bytes its memory is limited to
    memory: int | None
    #: whether it has waited here for its next record
    is_warm: bool = False
    #: bytes it had once its flow was found; None: not known
    at_first: int | None = None
    idle_since: float = 0.0

    @property
    def is_worn(self) -> bool:
        """The next record would be short of memory for what earlier ones left."""
        if self.memory is None or self.at_first is None:
            return False
        has = self.process.resident() or 0
        return has - self.at_first > _KEEPS * max(0, self.memory - self.at_first)


class Pool:
    """Safe to share between threads."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lock = Lock()
        #: the one that was needed last is at the end
        self._idle: list[Child] = []
        # A child ends with the thread that started it (child.main says why): not with a lane.
        self._starter = ThreadPoolExecutor(1, "fanfold-children")

    def take(self, ref: FlowRef, memory: int | None) -> Child:
        """One that waits, or else a new one. Raises OSError if none can be started."""
        serves = None if memory is None else ref
        with self._lock:
            fitting = [it for it in self._idle if (it.serves, it.memory) == (serves, memory)]
            if fitting:
                self._idle.remove(fitting[-1])
            since = time.monotonic() - self._idle_seconds
            spare = [it for it in self._idle if it.idle_since < since]
            self._idle = [it for it in self._idle if it not in spare]
        for child in spare:
            child.process.close()
        if fitting:
            return fitting[-1]
        return Child(self._starter.submit(ChildProcess).result(), serves, memory)

    def put(self, child: Child) -> None:
        """It has answered: it waits for its next record, unless it is worn."""
        if child.is_worn:
            child.process.close()
            return
        child.is_warm = True
        child.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(child)

    def close(self) -> None:
        """End those that wait. Nothing may be taken or put any more."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.process.end()
        for child in idle:
            child.process.close()
        self._starter.shutdown()
