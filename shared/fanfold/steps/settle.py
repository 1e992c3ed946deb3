"""settle: write outcomes and count them, atomically, once, in groups.

Outcomes are gathered per batch and generation, and committed when a group is full, when no run of
this process is executing any more (nothing could join), or after the gather time
(steps.gathering); by the committer thread, or by who runs quick flows and works off what they
leave. One commit is in flight per process, while which the next group gathers by itself.

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
from fanfold.ports import Effort, Ports, Verdict
from fanfold.steps.advance import Outbox, advance_once
from fanfold.steps.ask import Duty, ask
from fanfold.steps.budget import end_if_failed_too_often
from fanfold.steps.gathering import Gathering
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
    ports: Ports,
    batch: Batch,
    runs: Sequence[Run],
    leased: Collection[int] = (),
    effort: Effort | None = None,
) -> list[Verdict]:
    """Commit; what the store refuses for its content is found by halving and settled as failed."""
    effort = effort or Effort()
    try:
        return ports.runs.settle(batch, runs, leased, effort)
    except OutcomeRefused as refusal:
        if len(runs) == 1:
            refused = _refused(runs[0], str(refusal))
            return ports.runs.settle(batch, [refused], leased, effort)
        effort.halvings += 1
        middle = len(runs) // 2
        first = settle_group(ports, batch, runs[:middle], leased, effort)
        return first + settle_group(ports, batch, runs[middle:], leased, effort)


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
        self._gathering = Gathering(policy)
        self._published: Outbox = {}
        self._busy = False
        self._closing = False
        self._flushing = False
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
            self._settle_all(group, gathered)
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
            self._settle_all(group, gathered)
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _settle_all(self, group: Sequence[Entry[T]], gathered: float) -> None:
        for batch, entries in _by_batch(group):
            self._settle(batch, entries, gathered)

    def _is_due(self) -> bool:
        return bool(self._waiting) and (
            self._flushing
            or self.is_full
            or (self._gathering.waits_for_none and self._executing() == 0)
            or time.monotonic() >= self._oldest + self._gathering.gather_seconds
        )

    def _commit(self, batch: Batch, entries: Sequence[Entry[T]], gathered: float) -> None:
        effort = Effort(gathered)
        size = self._gathering.group
        for start in range(0, len(entries), size):
            part = entries[start : start + size]
            leased = [entry.run.index for entry in part if entry.leased]
            begun, before = time.monotonic(), effort.repeats
            settle_group(self._ports, batch, [entry.run for entry in part], leased, effort)
            self._learn(batch, len(part), time.monotonic() - begun, effort.repeats - before)

    def _learn(self, batch: Batch, outcomes: int, seconds: float, repeats: int) -> None:
        was_forced = self._gathering.is_forced
        self._gathering.committed(outcomes, seconds, repeats)
        if self._gathering.is_forced == was_forced:
            return
        told = {"batch_id": batch.id, "gather_ms": round(1000 * self._gathering.gather_seconds, 1)}
        if was_forced:
            log.info("settle.at_ease", "commits go well again", **told)
        else:
            text = f"a commit took {seconds:.2f} s and was repeated {repeats} times: there will be"
            log.info("settle.gathers", f"{text} fewer, with more outcomes in each", **told)

    def _settle(self, batch: Batch, entries: Sequence[Entry[T]], gathered: float) -> None:
        receipts = [entry.receipt for entry in entries]
        try:
            self._commit(batch, entries, gathered)
            for entry in entries:
                end_if_fatal(self._ports, entry.run)
            end_if_failed_too_often(self._ports, batch, [entry.run for entry in entries])
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
