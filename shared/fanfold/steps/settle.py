"""settle: write outcomes and count them, atomically, once, in groups.

Outcomes are gathered per batch and generation, and committed when a group is full, when no run of
this process is executing any more (nothing could join), or after the gather time
(steps.gathering); by the committer thread, or by who runs quick flows and works off what they
leave. One commit is in flight per process, while which the next group gathers by itself.

    add ─▶ gathering ─▶ landing: commit ─▶ advance ─▶ ask ─▶ ack (steps.landing)

A process that dies meanwhile leaves messages that are not acked: they are delivered again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import Generic, TypeVar

from fanfold.ports import Ports
from fanfold.steps.ask import Duty
from fanfold.steps.gathering import Gathering
from fanfold.steps.landing import Entry, Landing
from fanfold.steps.policy import Policy

T = TypeVar("T")


class Settler(Generic[T]):
    """Gathers the outcomes of many threads and settles them in groups."""

    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        duty: Duty,
        *,
        finish: Callable[[Sequence[T]], None],
        give_up: Callable[[Sequence[T]], None],
        executing: Callable[[], int],
        trace_of: Callable[[T], str] = lambda _: "",
    ) -> None:
        """`finish` acks what is settled; `give_up` has it delivered again, when the engine could
        not settle it; `executing` tells how many runs could still join a group; `trace_of`, whose
        work one is."""
        self._executing = executing
        self._changed = Condition()
        self._waiting: list[Entry[T]] = []
        self._oldest = 0.0
        self._gathering = Gathering(policy)
        self._landing = Landing(
            ports, self._gathering, duty, finish=finish, give_up=give_up, trace_of=trace_of
        )
        self._busy = False
        self._closing = False
        self._flushing = False
        self._thread: Thread | None = None

    def start(self) -> None:
        """From now on what waits is settled when it is due. Until then, what is worked off."""
        self._thread = Thread(target=self._work, name="fanfold-settler", daemon=True)
        self._thread.start()

    def add(self, entry: Entry[T], *, quietly: bool = False) -> None:
        """`quietly`: the caller is going to work it off itself, soon."""
        with self._changed:
            if not self._waiting:
                self._oldest = time.monotonic()
            self._waiting.append(entry)
            self._gathering.ran(entry.run.seconds, 1)
            if quietly:
                return
            if len(self._waiting) == 1 or self.is_full:
                self._changed.notify_all()

    def add_all(self, entries: Sequence[Entry[T]], *, quietly: bool = False) -> None:
        with self._changed:
            if not self._waiting:
                self._oldest = time.monotonic()
            self._waiting += entries
            mean = sum(entry.run.seconds for entry in entries) / max(1, len(entries))
            self._gathering.ran(mean, len(entries))
            if not quietly:
                self._changed.notify_all()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self._gathering.group

    def work_off(self) -> None:
        """Settle what waits, here and now, unless the committer is at it: one commit in flight."""
        with self._changed:
            if self._busy or not self._waiting:
                return
            group, gathered = self._take()
        try:
            self._landing.land(group, gathered)
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def nudge(self) -> None:
        """Fewer runs are executing: perhaps there is nothing left to wait for."""
        with self._changed:
            if self._waiting:
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything added is settled."""
        with self._changed:
            while self._waiting or self._busy:
                self._flushing = True
                self._changed.notify_all()
                self._changed.wait(0.1)
            self._flushing = False

    def close(self) -> None:
        self.flush()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _take(self) -> tuple[list[Entry[T]], float]:
        """What waits, and for how long its first has; with the lock held."""
        group, self._waiting = self._waiting, []
        self._busy = True
        return group, time.monotonic() - self._oldest

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._busy or not self._is_due():
                    if self._closing and not self._waiting:
                        return
                    left = self._oldest + self._gathering.gather_seconds - time.monotonic()
                    waits = bool(self._waiting) and not self._busy
                    self._changed.wait(max(left, 0.0005) if waits else None)
                group, gathered = self._take()
            self._landing.land(group, gathered)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _is_due(self) -> bool:
        return bool(self._waiting) and (
            self._flushing
            or self.is_full
            or (self._gathering.waits_for_none and self._executing() == 0)
            or time.monotonic() >= self._oldest + self._gathering.gather_seconds
        )
