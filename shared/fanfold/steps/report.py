"""report: tell of an open batch's progress, now and then.

Whoever looks at the open batches reports: a worker's clerk each second or so, the sweep where no
worker is up. One process at a time is a batch's reporter, by a claim that its reports renew; the
others see that in the batch, which they read anyway. If it ends, another one takes over when the
claim has ended. A batch in which nothing has changed is not told of.
"""

from __future__ import annotations

from functools import partial

from fanfold.domain import announce
from fanfold.domain.batch import Batch
from fanfold.domain.lineage import Kind
from fanfold.ports import Ports
from fanfold.steps.policy import Policy
from fanfold.steps.status import status_of
from fanfold.steps.tell import tell_in_passing


def report(ports: Ports, policy: Policy, batch: Batch) -> None:
    """Tell of its progress, if that is due and nobody else's to do. For who looks now and then."""
    if batch.kind is Kind.CHILD:  # its run's batch is what people look at
        return
    now = ports.clock.now()
    if not announce.is_progress_due(batch, ports.owner, now, policy.progress_seconds):
        return
    counts = status_of(ports, batch.id).counts
    reported = ports.batches.amend(
        batch.id,
        partial(
            announce.progress,
            counts=counts,
            owner=ports.owner,
            now=now,
            seconds=policy.progress_seconds,
        ),
    )
    tell_in_passing(ports, reported)
