"""prune: remove what ended batches have stored, but for a tombstone (domain.pruning), and dead
letters.

    mark it pruned ─▶ blobs ─▶ runs, lives, pages, stretch by stretch ─▶ its source's copy

Marked first, so that nobody takes what is half removed for all there is; the copy of the source
last: while the batch names one, there is something left to remove. So a crash leaves a batch that
the next prune goes on with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from fanfold.domain import pruning
from fanfold.domain.batch import ENDED, Batch, BatchState
from fanfold.domain.letter import Letter
from fanfold.domain.outcome import Value
from fanfold.ports import Ports
from fanfold.steps.all_pages import all_pages
from fanfold.steps.family import children_of
from fanfold.steps.letters import forget
from fanfold.steps.outputs import forget_output, forget_output_of
from fanfold.steps.rank import forget_parts

_STRETCH = 500
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a pass did."""

    batches: tuple[str, ...] = ()
    #: tombstones that were old enough to go, too
    forgotten: tuple[str, ...] = ()
    #: dead letters
    letters: tuple[str, ...] = ()


def prunable(ports: Ports, older_than: float, states: Collection[BatchState]) -> Iterator[Batch]:
    """Those that ended so long ago, or whose pruning broke off. Looking changes nothing."""
    now = ports.clock.now()
    return (it for it in _ended(ports) if _is_prunable(it, older_than, states, now))


def _is_prunable(
    batch: Batch, older_than: float, states: Collection[BatchState], now: float
) -> bool:
    if batch.pruned_at is not None:
        return bool(batch.source.blob)
    return batch.state in states and (batch.ended_at or now) + older_than <= now


def old_letters(ports: Ports, older_than: float) -> Iterator[Letter]:
    """Dead letters that have lain so long, the newest first."""
    oldest = ports.clock.now() - older_than
    letters = all_pages(lambda it: ports.letters.find(limit=_PAGE, before=it))
    return (it for it in letters if it.at <= oldest)


def prune(
    ports: Ports,
    older_than: float,
    states: Collection[BatchState] | None = None,
    on_batch: Callable[[Batch], None] = lambda _batch: None,
) -> Pruned:
    """May be repeated, and run beside anything: it touches only what has ended. Without `states`
    all that has, and dead letters as well."""
    now = ports.clock.now()
    pruned, forgotten = [], []
    for batch in list(
        _ended(ports)
    ):  # all first: what is found next is told by what was found last
        if _is_prunable(batch, older_than, states or ENDED, now):
            on_batch(batch)
            batch = prune_one(ports, batch.id)  # noqa: PLW2901
            pruned.append(batch.id)
        if pruning.is_forgettable(batch, now):
            ports.batches.forget(batch.id)
            forgotten.append(batch.id)
    letters = list(old_letters(ports, older_than)) if states is None else []
    for letter in letters:
        forget(ports, letter)
    return Pruned(tuple(pruned), tuple(forgotten), tuple(it.id for it in letters))


def prune_one(ports: Ports, batch_id: str) -> Batch:
    """With what its runs have made of their items. Raises IllegalTransition if it has not ended."""
    output: Value | None = None

    def mark(batch: Batch) -> Batch:
        nonlocal output
        output = batch.output
        return pruning.prune(batch, ports.clock.now())

    batch = ports.batches.amend(batch_id, mark)
    for child in list(children_of(ports, batch_id)):
        if child.ended and not (child.pruned_at is not None and not child.source.blob):
            prune_one(ports, child.id)
    forget_output(ports, output)
    for start in range(0, batch.known_total, _STRETCH):
        stop = min(start + _STRETCH, batch.known_total)
        for settled in ports.runs.outcomes(batch_id, start, stop):
            forget_output_of(ports, settled.outcome)
        ports.batches.erase(batch_id, start, stop)
    if batch.order:
        ports.blobs.delete(batch.order)
    forget_parts(ports, batch)
    if batch.source.blob:
        ports.blobs.delete(batch.source.blob)
    return ports.batches.amend(batch_id, _without_its_copy)


def _without_its_copy(batch: Batch) -> Batch:
    if not batch.source.blob:
        return batch
    return replace(batch, source=replace(batch.source, blob=""))


def _ended(ports: Ports) -> Iterator[Batch]:
    return all_pages(lambda it: ports.batches.find(ENDED, limit=_PAGE, before=it))
