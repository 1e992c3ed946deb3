"""retry: open a new generation of a batch that has ended, for some of its records.

    choose ─▶ keep their order ─▶ reopen (one transaction) ─▶ publish ─▶ [fan-out] clear ─▶ dispatch

One that comes after others and never began waits for them, unless one has ended otherwise than it
wants: then it is refused.

Before that, what a batch that was stopped early has not read of its source is read (steps.paging).

What of a run may be chosen is told by its document, and of a record that never had one, which was
canceled or skipped in the queue, by there being none. Of these it cannot be told any more which
were canceled and which skipped, where a batch has both; so either word means all of them.

| a crash here               | leaves                                                            |
|----------------------------|-------------------------------------------------------------------|
| before the batch is opened | a blob nobody refers to; the batch is as it was                   |
| before the message is out  | a pending batch: the sweep publishes it                           |
| while it is cleared        | the redelivered message clears on; what is of this generation, or |
|                            | is gone already, it does not touch                                |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fanfold import log
from fanfold.domain import retrying
from fanfold.domain.batch import Batch
from fanfold.domain.digest import mix
from fanfold.domain.flow import FlowRef
from fanfold.domain.generation import Chosen, without
from fanfold.domain.in_flight import adapted, with_limit
from fanfold.domain.lineage import Parent
from fanfold.domain.money import in_words, nanodollars
from fanfold.domain.options import BatchOptions, options_from
from fanfold.domain.outcome import Failed
from fanfold.domain.permutation import Permutation
from fanfold.domain.pruning import check_not_pruned
from fanfold.domain.run import Run, RunState
from fanfold.domain.tally import Tally, tally_of
from fanfold.errors import Conflict, Contended, OptionInvalid
from fanfold.ports import Ports
from fanfold.steps.dispatch import indexes_at, keep_order
from fanfold.steps.follow import check_may_follow, set_off
from fanfold.steps.outputs import forget_output, forget_output_of
from fanfold.steps.paging import read_late
from fanfold.steps.rank import ranked

_CHUNK = 500
#: what may have ended so without ever having had a document
_UNDONE = frozenset({RunState.CANCELED, RunState.SKIPPED})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records. Of several conditions all must hold; of states and errors, one."""

    states: frozenset[RunState] = frozenset()
    #: fingerprints
    errors: frozenset[str] = frozenset()
    #: indexes
    ids: frozenset[int] | None = None
    #: of a settled run
    where: Callable[[Run], bool] | None = None
    #: in the user's words
    what: str = ""


@dataclass(frozen=True, slots=True)
class Retried:
    batch: Batch
    #: how many records run again; 0: none was to be, and the batch is as it was
    records: int


@dataclass(slots=True)
class _Choice:
    """What has been chosen so far, and what that takes out of the counts."""

    indexes: list[int] = field(default_factory=list)
    gone: Tally = field(default_factory=Tally)
    undone: int = 0

    def take(self, runs: list[Run]) -> None:
        self.indexes += [run.index for run in runs]
        self.gone = self.gone + tally_of(runs)


def retry(
    ports: Ports,
    batch_id: str,
    selection: Selection,
    changes: dict[str, Any] | None = None,
    flow: FlowRef | None = None,
    generation: int | None = None,
    parent: Parent | None = None,
) -> Retried:
    """Run the selected records again. `changes`: options that are other ones from now on; a
    deadline counts from now, and without one there is none; likewise a canary. `flow`: where
    today's is found. `generation`: the one that the caller knows; if it has been retried since,
    once, this is a repetition of that call, and changes nothing. `parent`: the run that asks for
    it, of a child batch. Raises OptionInvalid."""
    batch = ports.batches.get(batch_id)
    if generation is not None and generation != batch.generation:
        return _repeated(batch, generation)
    _check(batch, parent)
    check_may_follow(ports.batches, batch)
    batch = read_late(ports, batch)
    choice = _choose(ports, batch, selection)
    if not choice.indexes:
        return Retried(batch, 0)
    once = {"deadline": None, "canary": None}
    options = options_from({**batch.options.model_dump(), **once, **(changes or {})})
    options = with_limit(adapted(batch.options, options))
    _check_budget(options, batch)
    indexes = _arranged(options, batch.generation + 1, choice.indexes)
    name = f"{batch.id}/order-{batch.generation + 1}-{ports.ids.token()}"
    order = keep_order(ports, name, ranked(ports, batch, options, indexes))
    chosen = Chosen(len(choice.indexes), sum(map(mix, choice.indexes)), selection.what)
    arrow = partial(
        _reopen,
        generation=batch.generation,
        chosen=chosen,
        kept=_kept(batch, choice),
        order=order,
        options=options,
        flow=flow or batch.flow,
        parent=parent,
        now=ports.clock.now(),
    )
    try:
        reopened = ports.batches.reopen(batch.id, arrow)
    except (Conflict, Contended):
        ports.blobs.delete(order)
        raise
    set_off(ports, reopened)
    _forget(ports, batch)
    log.info("batch.retried", selection.what, batch_id=batch.id, records=chosen.records)
    return Retried(reopened, chosen.records)


def clear(ports: Ports, batch: Batch, start: int, out_of_time: Callable[[], bool]) -> int:
    """Remove what older generations left of the chosen records, from position `start` on; how far
    it has come."""
    if batch.chosen is None:
        return 0
    if start == 0:
        ports.leases.clear(batch)
    while start < batch.chosen.records:
        stop = min(start + _CHUNK, batch.chosen.records)
        indexes = indexes_at(ports, batch, range(start, stop))
        for run in ports.runs.read(batch.id, indexes).values():
            if run.generation < batch.generation:
                forget_output_of(ports, run.outcome)
        ports.runs.clear(batch, indexes)
        start = stop
        if out_of_time():
            break
    return start


def _check_budget(options: BatchOptions, batch: Batch) -> None:
    """What was spent stays so: a batch that it has ended would end again with its first record."""
    spent = batch.closed.spent if batch.closed is not None else 0
    if options.max_spend is not None and nanodollars(options.max_spend) <= spent:
        raise OptionInvalid(
            f"max_spend: {in_words(spent)} of {in_words(nanodollars(options.max_spend))} has been "
            "spent already. Give it more"
        )


def _repeated(batch: Batch, generation: int) -> Retried:
    if batch.generation != generation + 1 or batch.chosen is None:
        raise Conflict(f"{batch.id} is at generation {batch.generation}: look at it again")
    return Retried(batch, batch.chosen.records)


def _check(batch: Batch, parent: Parent | None) -> None:
    check_not_pruned(batch)
    if batch.parent is not None and parent is None:
        raise Conflict(
            f"{batch.id} holds the items of a run of {batch.parent.batch_id}: nobody waits for it "
            f"any more. `fanfold retry {batch.parent.batch_id}` runs again what failed in it, too"
        )
    if not batch.ended:
        raise Conflict(
            f"{batch.id} is {batch.state}: what has ended can be retried. `fanfold wait {batch.id}`"
            f" waits for its end, `fanfold cancel {batch.id}` brings it about"
        )


def _reopen(
    batch: Batch,
    *,
    generation: int,
    chosen: Chosen,
    kept: Tally,
    order: str,
    options: BatchOptions,
    flow: FlowRef,
    parent: Parent | None,
    now: float,
) -> Batch:
    _check(batch, parent)
    reopened = retrying.retry(batch, generation, chosen, kept, order, options)
    deadline = None if options.deadline is None else now + options.deadline
    return replace(reopened, flow=flow, parent=parent, deadline_at=deadline)


def _kept(batch: Batch, choice: _Choice) -> Tally:
    """The closed counts, less what was chosen. Of those without a document canceled ones go first:
    where there are both, none can be told from the other."""
    closed = batch.closed or Tally()
    left = without(closed, choice.gone)
    canceled = min(choice.undone, left.canceled)
    return replace(
        left, canceled=left.canceled - canceled, skipped=left.skipped - (choice.undone - canceled)
    )


def _choose(ports: Ports, batch: Batch, selection: Selection) -> _Choice:
    choice = _Choice()
    runs: list[Run] = []
    for found in _candidates(ports, batch, selection):
        if isinstance(found, int):
            if selection.where is None:
                choice.indexes.append(found)
                choice.undone += 1
            continue
        if selection.where is None or selection.where(found):
            runs.append(found)
        if len(runs) >= _CHUNK:
            choice.take(runs)
            runs = []
    choice.take(runs)
    choice.indexes.sort()
    return choice


def _candidates(ports: Ports, batch: Batch, selection: Selection) -> Iterator[Run | int]:
    """Settled runs, and the indexes of records that have no document."""
    ids, states, errors = selection.ids, selection.states, selection.errors
    if not states and not errors:
        yield from _of_indexes(ports, batch, ids)
        return
    for state in sorted(states | ({RunState.FAILED} if errors else set())):
        for run in ports.runs.in_state(batch.id, state):
            if ids is not None and run.index not in ids:
                continue
            if state in states or _fingerprint(run) in errors:
                yield run
    if states & _UNDONE and selection.where is None and _undone(ports, batch):
        yield from (it for it in _of_indexes(ports, batch, ids) if isinstance(it, int))


def _of_indexes(ports: Ports, batch: Batch, ids: frozenset[int] | None) -> Iterator[Run | int]:
    total = batch.known_total
    wanted = range(total) if ids is None else sorted(it for it in ids if 0 <= it < total)
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        runs = ports.runs.read(batch.id, chunk)
        for index in chunk:
            yield runs.get(index, index)


def _undone(ports: Ports, batch: Batch) -> int:
    """How many records have no document."""
    recount = ports.runs.recount(batch.id)
    documents = recount.succeeded + recount.failed + recount.canceled + recount.skipped
    return batch.known_total - documents


def _fingerprint(run: Run) -> str:
    return run.outcome.failure.fingerprint if isinstance(run.outcome, Failed) else ""


def _arranged(options: BatchOptions, generation: int, indexes: list[int]) -> list[int]:
    """The order of dispatch, but for the records' priorities."""
    if not options.shuffle:
        return indexes
    salt = b"retry %d %d" % (generation, options.seed or 0)
    permutation = Permutation(len(indexes), salt)
    return [indexes[permutation.of(position)] for position in range(len(indexes))]


def _forget(ports: Ports, before: Batch) -> None:
    """What only the older generation referred to."""
    if before.order:
        ports.blobs.delete(before.order)
    forget_output(ports, before.output)
