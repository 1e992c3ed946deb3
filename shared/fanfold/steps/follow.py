"""follow: a batch that comes after others begins, or is skipped, once they have ended.

    created, changed, resumed, retried: stored ─▶ look at those it comes after ─┐
    one of those ends: its end is stored ─▶ look for those that wait for it ────┴▶ begin, skip, or
                                                                                   wait on

Each stores first and looks then, so of the two whoever stores last sees the other: none is missed,
in whatever order they come. Neither keeps a mark that it has looked, so both may look again.

| a crash here                         | what happens                                              |
|--------------------------------------|-----------------------------------------------------------|
| stored, and not looked               | the same request, repeated, looks; or the last of those   |
|                                      | that it comes after does when it ends; or the sweep       |
| the end stored, and not looked       | its finalization is delivered again, and looks            |
| a skip stored, finalization not out  | likewise: what is being skipped is asked for again        |

The fan-out looks, too, before it begins with one that waits: its message may be anybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from fanfold import log
from fanfold.domain import following
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.following import Due, Missed, Outlook, check_no_cycle, waits
from fanfold.errors import BatchNotFound, Conflict, IllegalTransition, OptionInvalid
from fanfold.ports import Batches, Ports
from fanfold.steps.ask import request_finalization
from fanfold.steps.request import request_fan_out


def set_off(ports: Ports, batch: Batch) -> None:
    """For whoever has stored that it is to begin: now, or when those it comes after have ended."""
    if may_begin(ports, batch):
        request_fan_out(ports, batch)


def bring_on_followers(ports: Ports, ended: Batch) -> None:
    """For whoever has stored its end. What waits for it begins or is skipped, unless it waits for
    others still."""
    for batch in ports.batches.followers(ended.id):
        set_off(ports, batch)


def may_begin(ports: Ports, batch: Batch) -> bool:
    """Whether it waits for nobody. If it is to be skipped it is."""
    return not waits(batch) or isinstance(bring_on(ports, batch), Due)


def bring_on(ports: Ports, batch: Batch) -> Outlook:
    """Of one that waits: it is skipped if that is what is to become of it; that it is due the
    caller sees to."""
    seen = look(ports.batches, batch)
    if isinstance(seen, Missed):
        _skip(ports, batch, seen.reason)
    return seen


def look(batches: Batches, batch: Batch) -> Outlook:
    """At those it comes after, as they are now."""
    return following.outlook(batch, _known(batches, batch.options.after))


def check_after(
    batches: Batches,
    batch_id: str,
    after: Sequence[str],
    sees: Callable[[Batch], bool] = lambda _: True,
) -> None:
    """Raises OptionInvalid for what is not there, or not for whoever asks, and where the batch
    would come after itself."""
    known = _known(batches, after)
    for name in after:
        if name != batch_id and (name not in known or not sees(known[name])):
            raise OptionInvalid(f"after: there is no batch {name} here")
    check_no_cycle(batch_id, after, partial(_after_of, batches))


def check_may_follow(batches: Batches, batch: Batch) -> None:
    """Before one that never began is run again. Raises Conflict with the remedy."""
    if batch.followed:
        return
    seen = look(batches, batch)
    if isinstance(seen, Missed):
        raise Conflict(f"{batch.id} cannot run yet: {seen.reason}. {seen.remedy}")


def _skip(ports: Ports, batch: Batch, reason: str) -> None:
    try:
        skipped = ports.batches.amend(batch.id, partial(following.skip, seen=batch, reason=reason))
    except IllegalTransition:  # it has ended meanwhile
        return
    if skipped.state is BatchState.CANCELING:
        log.info("batch.skipped", reason, batch_id=batch.id)
        request_finalization(ports, skipped)


def _known(batches: Batches, names: Sequence[str]) -> dict[str, Batch]:
    known = {}
    for name in names:
        try:
            known[name] = batches.get(name)
        except BatchNotFound:
            continue
    return known


def _after_of(batches: Batches, name: str) -> Sequence[str]:
    """Also of one that has ended and never began: it may be run again, and would wait then."""
    other = _known(batches, [name]).get(name)
    return () if other is None or other.followed else other.options.after
