"""canary: the first records of a batch run alone, and the rest follows if all of them succeed.

    release only the canary's ─▶ all of them settled ─▶ none failed: proven, the rest is released
                                                     └▶ some did: paused, and somebody looks

As long as it is not over no more positions may be let go than it has (batch.releasable), so judging
it is a part of every advance, and needs no message of its own: whoever settled its last record
judges it before its message is acked, and if they die, whoever gets that message again. Both ways
it is over. So who resumes a batch that it has paused says that the rest may follow.
"""

from __future__ import annotations

from functools import partial

from fanfold.domain import announce
from fanfold.domain.batch import Batch, BatchState
from fanfold.ports import Ports
from fanfold.steps.tell import tell_in_passing


def judged(ports: Ports, batch: Batch) -> Batch:
    """The batch, once its canary is judged if all of that is settled."""
    canary = batch.options.canary
    if canary is None or batch.proven or batch.closed is not None:
        return batch
    # that it is paused may be an old view: whoever resumed it may not have found this settled yet
    if ports.runs.settled(batch.id) < canary:
        return batch
    tally = ports.runs.tally(batch.id)
    failed = tally.failed - batch.kept.failed
    arrow = partial(_judge, generation=batch.generation, failed=failed, now=ports.clock.now())
    return tell_in_passing(ports, ports.batches.amend(batch.id, arrow))


def _judge(batch: Batch, *, generation: int, failed: int, now: float) -> Batch:
    """Another may have been here before, or a retry; and there may be no rest."""
    if batch.proven or batch.state is not BatchState.RUNNING or batch.generation != generation:
        return batch
    canary = batch.options.canary or 0
    is_all = batch.sealed and batch.positions <= canary
    return announce.judge(batch, 0 if is_all else failed, canary, now)
