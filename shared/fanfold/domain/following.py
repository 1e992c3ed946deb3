"""A batch that comes after others: it waits until they have ended.

    pending ──each has ended as it wants──▶ begin: it is fanned out
       └─────one has ended otherwise──────▶ skip: it ends as skipped, and says whom it came after

Nobody keeps count of what is left to wait for: whoever brings a batch on reads those it comes
after, as they are now (steps.follow). So it may be brought on by anybody, and as often as anybody
likes; what was read is written only onto the batch for which it was read. One of them that is run
again counts as not ended. Once it has begun it does not look at them any more, whatever becomes of
them, and however often it is retried; one that never has looks anew with each retry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Ending, to_state
from fanfold.errors import Contended, OptionInvalid

#: options that say what a batch comes after
FOLLOWS = frozenset({"after", "after_on"})

#: how one ended that did not complete, and what of it a retry may run
_ENDED_AS = {
    BatchState.FAILED: ("failed", "failed"),
    BatchState.CANCELED: ("was canceled", "canceled"),
    BatchState.EXPIRED: ("has expired", "skipped"),
    BatchState.SKIPPED: ("was skipped", "skipped"),
}


@dataclass(frozen=True, slots=True)
class Due:
    """It may begin."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """These have not ended."""

    others: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """One has ended otherwise than it wants."""

    other: str
    #: how that ended; None: it has been pruned, and forgotten
    state: BatchState | None

    @property
    def reason(self) -> str:
        how = "has been pruned: nobody knows how it ended"
        if self.state is not None:
            how, _ = _ENDED_AS[self.state]
        return f"it comes after {self.other}, which {how}"

    @property
    def remedy(self) -> str:
        if self.state is None:
            return "Create it anew"
        _, records = _ENDED_AS[self.state]
        return f"Retry that one first: `fanfold retry {self.other} --{records}`"


Outlook = Due | Waiting | Missed


def waits(batch: Batch) -> bool:
    """Whether nothing of it may begin before others have ended."""
    return batch.is_open and not batch.followed and bool(batch.options.after)


def awaited(batch: Batch) -> list[str]:
    """By what a store finds it when one of them has ended; also while it is being stopped, which
    whoever began it may have died of."""
    return [] if batch.followed or batch.ended else batch.options.after


def outlook(batch: Batch, others: Mapping[str, Batch]) -> Outlook:
    """Of those it comes after, as far as they are there: what is not has ended, long ago. It does
    not wait for the others where one has ended otherwise than it wants."""
    left = []
    for name in batch.options.after:
        other = others.get(name)
        if other is not None and not other.ended:
            left.append(other)
        elif batch.options.after_on == "success":
            if other is None:
                return Missed(name, None)
            if other.state is not BatchState.COMPLETED:
                return Missed(name, other.state)
    return Waiting(tuple(left)) if left else Due()


# ---------------------------------------------------------------- arrows


def begin(batch: Batch, seen: Batch) -> Batch:
    """It waits no more, for those that it came after when it was `seen` have ended. Raises
    Contended where it comes after others by now."""
    if not waits(batch):
        return batch
    if not _is_as_seen(batch, seen):
        raise Contended(f"{batch.id} comes after others than it did: look at them")
    return replace(batch, followed=True)


def skip(batch: Batch, seen: Batch, reason: str) -> Batch:
    """Because of one that it came after when it was `seen`; else it stays as it is."""
    if not waits(batch) or not _is_as_seen(batch, seen):
        return batch
    return rules.stop(batch, Ending(BatchState.SKIPPED, reason))


def resume(batch: Batch) -> Batch:
    """batch.resume; what waits goes on with that. Repeated it changes nothing."""
    if not waits(batch):
        return rules.resume(batch)
    if batch.state is BatchState.PENDING:
        return batch
    rules.resume(batch)  # where that is refused, so is this
    return wait(batch)


def wait(batch: Batch) -> Batch:
    """It is paused no more, and nothing of it has begun."""
    return to_state(batch, "wait", BatchState.PENDING)


def _is_as_seen(batch: Batch, seen: Batch) -> bool:
    now, then = batch.options, seen.options
    return (batch.generation, now.after, now.after_on) == (
        seen.generation,
        then.after,
        then.after_on,
    )


# ---------------------------------------------------------------- cycles


def check_no_cycle(
    batch_id: str, after: Sequence[str], after_of: Callable[[str], Sequence[str]]
) -> None:
    """Raises OptionInvalid, with the chain, if it would come after itself. `after_of`: what a batch
    comes after that has not begun; of all others nothing."""
    #: from each back to the one that comes after it
    led_from = dict.fromkeys(after, batch_id)
    left = list(led_from)
    while left:
        name = left.pop()
        if name == batch_id:
            raise OptionInvalid(f"after: {_chain(led_from, batch_id)}: it would wait for itself")
        for it in after_of(name):
            if it not in led_from:
                led_from[it] = name
                left.append(it)


def _chain(led_from: Mapping[str, str], batch_id: str) -> str:
    chain = [batch_id, led_from[batch_id]]
    while chain[-1] != batch_id:
        chain.append(led_from[chain[-1]])
    return " → ".join(reversed(chain))
