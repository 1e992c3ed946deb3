"""landing: outcomes are committed, what that lets go is let go, and their messages are acked.

    commit ─▶ advance ─▶ ask, if this process holds nothing else ─▶ finish (ack)

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
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from fanfold import log, trace
from fanfold.domain.announce import knows_failure
from fanfold.domain.batch import Batch
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.domain.run import Run
from fanfold.domain.settling import Effort, Verdict
from fanfold.errors import OutcomeRefused
from fanfold.ports import Ports
from fanfold.steps.advance import Outbox, advance_once
from fanfold.steps.ask import Duty, ask, generation_of
from fanfold.steps.budget import end_if_overspent
from fanfold.steps.gathering import Gathering
from fanfold.steps.stop import end_if_fatal
from fanfold.steps.tell import tell_of_failure

T = TypeVar("T")

_KEPT = 64


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


class Landing(Generic[T]):
    """Brings groups of outcomes home, one after the other."""

    def __init__(
        self,
        ports: Ports,
        gathering: Gathering,
        duty: Duty,
        *,
        finish: Callable[[Sequence[T]], None],
        give_up: Callable[[Sequence[T]], None],
        trace_of: Callable[[T], str] = lambda _: "",
    ) -> None:
        """`finish` acks what is settled; `give_up` has it delivered again, when the engine could
        not settle it; `trace_of`: whose work one is. `gathering` says how many one commit takes,
        and learns how it went."""
        self._ports = ports
        self._gathering = gathering
        self._duty = duty
        self._finish = finish
        self._give_up = give_up
        self._trace_of = trace_of
        self._published: Outbox = {}
        #: batches and generations of which a failure was told here, the last ones
        self._failed: deque[tuple[str, int]] = deque(maxlen=_KEPT)

    def land(self, group: Sequence[Entry[T]], gathered: float = 0.0) -> None:
        """All of them, or have them delivered again. `gathered`: how long the first one waited."""
        for batch, entries in _by_batch(group):
            # what a batch's records let go belongs to whoever began the batch, as they do
            with trace.continued(self._trace_of(entries[0].receipt)):
                self._land(batch, entries, gathered)

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

    def _land(self, batch: Batch, entries: Sequence[Entry[T]], gathered: float) -> None:
        receipts = [entry.receipt for entry in entries]
        try:
            self._commit(batch, entries, gathered)
            self._tell_of_failure(batch, [entry.run for entry in entries])
            for entry in entries:
                end_if_fatal(self._ports, entry.run)
            end_if_overspent(self._ports, batch, [entry.run for entry in entries])
            self._duty.owe(generation_of(batch))
            advance_once(self._ports, batch, entries[0].run.index, self._published)
        except Exception as error:  # noqa: BLE001  whatever it was, the messages must come again
            self._duty.give_back(generation_of(batch), len(entries))
            self._report(error, batch, len(entries))
            self._give_up(receipts)
            return
        try:
            if self._duty.give_back(generation_of(batch), len(entries)):
                ask(self._ports, batch)
            self._finish(receipts)
        except Exception as error:  # noqa: BLE001  likewise: settled, but not acked
            self._report(error, batch, len(entries))
            self._give_up(receipts)

    def _tell_of_failure(self, batch: Batch, runs: Sequence[Run]) -> None:
        """Once, though the batch as it is known here may be older than that."""
        failed = next((it for it in runs if isinstance(it.outcome, Failed)), None)
        if failed is None or knows_failure(batch):
            return
        told = batch.id, failed.generation
        if told not in self._failed:
            tell_of_failure(self._ports, batch, failed)
            self._failed.append(told)

    def _report(self, error: Exception, batch: Batch, runs: int) -> None:
        text = f"{type(error).__name__}: {error}; the runs will be delivered again"
        log.error("settle.failed", text, batch_id=batch.id, runs=runs)


def _by_batch(entries: Sequence[Entry[T]]) -> list[tuple[Batch, list[Entry[T]]]]:
    groups: dict[tuple[str, int], list[Entry[T]]] = {}
    for entry in entries:
        groups.setdefault((entry.batch.id, entry.run.generation), []).append(entry)
    return [(group[-1].batch, group) for group in groups.values()]
