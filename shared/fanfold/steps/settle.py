"""settle: write outcomes and count them, atomically, once, in groups.

Outcomes are gathered per batch and generation, and committed when a group is full, when no run of
this process is executing any more (nothing could join), or after the gather time; by the committer
thread, or by who runs quick flows and works off what they leave. One commit is in flight per
process, while which the next group gathers by itself.

    add ─▶ gathering ─▶ commit ─▶ advance ─▶ ask, if this process holds nothing else ─▶ finish (ack)

The engine's verdicts: COUNTED; ALREADY (settled before, or this very commit's reply was lost: it is
not counted again); LATE (closed, or another generation: nothing changes). All three end in an ack.
A commit refused for its own content is halved until the culprit stands alone; that one is settled
as failed, its neighbours are unharmed.

| a crash here             | what happens                                                       |
|--------------------------|--------------------------------------------------------------------|
| before the commit        | every message of the group is delivered again and runs again       |
| commit done, reply lost  | delivered again, found settled                                     |
| before advance or ask    | delivered again, found settled: repair, advance, ask, ack          |
| before the ack           | the same                                                           |
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from threading import Condition, Thread
from typing import Generic, TypeVar

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.domain.run import Run
from fanfold.errors import OutcomeRefused
from fanfold.ports import Ports, Verdict
from fanfold.steps.advance import Outbox, advance_once
from fanfold.steps.ask import Duty, ask
from fanfold.steps.policy import Policy
from fanfold.steps.stop import end_if_fatal

T = TypeVar("T")


@dataclass(slots=True, unsafe_hash=True)  # frozen in use: freezing it triples its price
class Entry(Generic[T]):
    """A settled run and whatever the caller needs to ack it."""

    batch: Batch
    run: Run
    receipt: T
    #: whether it has a live document, which settling ends
    leased: bool = False


def settle_group(
    ports: Ports, batch: Batch, runs: Sequence[Run], leased: Collection[int] = ()
) -> list[Verdict]:
    """Commit; what the store refuses for its content is found by halving and settled as failed."""
    try:
        return ports.runs.settle(batch, runs, leased)
    except OutcomeRefused as refusal:
        if len(runs) == 1:
            return ports.runs.settle(batch, [_refused(runs[0], str(refusal))], leased)
        middle = len(runs) // 2
        first = settle_group(ports, batch, runs[:middle], leased)
        return first + settle_group(ports, batch, runs[middle:], leased)


def _refused(run: Run, reason: str) -> Run:
    failure = Failure(Blame.OUTPUT, "OutcomeRefused", reason)
    return replace(run, outcome=Failed(failure), log=())


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
    ) -> None:
        """`finish` acks what is settled; `give_up` has it delivered again, when the engine could
        not settle it; `executing` tells how many runs could still join a group."""
        self._ports = ports
        self._policy = policy
        self._duty = duty
        self._finish = finish
        self._give_up = give_up
        self._executing = executing
        self._changed = Condition()
        self._waiting: list[Entry[T]] = []
        self._oldest = 0.0
        self._mean_seconds = 0.0
        self._published: Outbox = {}
        self._busy = False
        self._closing = False
        self._thread = Thread(target=self._work, name="fanfold-settler", daemon=True)
        self._thread.start()

    def add(self, entry: Entry[T], *, quietly: bool = False) -> None:
        """`quietly`: the caller is going to work it off itself, soon."""
        with self._changed:
            if not self._waiting:
                self._oldest = time.monotonic()
            self._waiting.append(entry)
            self._mean_seconds += 0.05 * (entry.run.seconds - self._mean_seconds)
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
            share = 1.0 - 0.95 ** len(entries)
            self._mean_seconds += share * (mean - self._mean_seconds)
            if not quietly:
                self._changed.notify_all()

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self._policy.group

    def work_off(self) -> None:
        """Settle what waits, here and now, unless the committer is at it: one commit in flight."""
        with self._changed:
            if self._busy or not self._waiting:
                return
            group, self._waiting = self._waiting, []
            self._busy = True
        try:
            self._settle_all(group)
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
                self._oldest = -math.inf  # overdue, however young the machine's clock is
                self._changed.notify_all()
                self._changed.wait(0.1)

    def close(self) -> None:
        self.flush()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    @property
    def gather_seconds(self) -> float:
        return min(self._policy.gather_seconds, self._policy.gather_share * self._mean_seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._busy or not self._is_due():
                    if self._closing and not self._waiting:
                        return
                    left = self._oldest + self.gather_seconds - time.monotonic()
                    waits = bool(self._waiting) and not self._busy
                    self._changed.wait(max(left, 0.0005) if waits else None)
                group, self._waiting = self._waiting, []
                self._busy = True
            self._settle_all(group)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _settle_all(self, group: Sequence[Entry[T]]) -> None:
        for batch, entries in _by_batch(group):
            self._settle(batch, entries)

    def _is_due(self) -> bool:
        return bool(self._waiting) and (
            self.is_full
            or self._executing() == 0
            or time.monotonic() >= self._oldest + self.gather_seconds
        )

    def _settle(self, batch: Batch, entries: Sequence[Entry[T]]) -> None:
        receipts = [entry.receipt for entry in entries]
        try:
            for start in range(0, len(entries), self._policy.group):
                part = entries[start : start + self._policy.group]
                leased = [entry.run.index for entry in part if entry.leased]
                settle_group(self._ports, batch, [entry.run for entry in part], leased)
            for entry in entries:
                end_if_fatal(self._ports, entry.run)
            self._duty.owe(batch.id)
            advance_once(self._ports, batch, entries[0].run.index, self._published)
        except Exception as error:  # noqa: BLE001  whatever it was, the messages must come again
            self._duty.give_back(batch.id, len(entries))
            self._report(error, batch, len(entries))
            self._give_up(receipts)
            return
        try:
            if self._duty.give_back(batch.id, len(entries)):
                ask(self._ports, batch)
            self._finish(receipts)
        except Exception as error:  # noqa: BLE001  likewise: settled, but not acked
            self._report(error, batch, len(entries))
            self._give_up(receipts)

    def _report(self, error: Exception, batch: Batch, runs: int) -> None:
        text = f"{type(error).__name__}: {error}; the runs will be delivered again"
        log.error("settle.failed", text, batch_id=batch.id, runs=runs)


def _by_batch(entries: Sequence[Entry[T]]) -> list[tuple[Batch, list[Entry[T]]]]:
    groups: dict[tuple[str, int], list[Entry[T]]] = {}
    for entry in entries:
        groups.setdefault((entry.batch.id, entry.run.generation), []).append(entry)
    return [(group[-1].batch, group) for group in groups.values()]
