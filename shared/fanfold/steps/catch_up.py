"""catch_up: the rest of the pipe, for messages whose earlier delivery may have died in it.

A redelivered message that finds its run settled, or waiting, cannot know whether whoever did that
lived to look at its children, to advance and to ask. So it does all again: they are harmless when
done already.
"""

from __future__ import annotations

from collections.abc import Sequence

from fanfold.domain.batch import Batch
from fanfold.ports import Ports
from fanfold.steps.advance import advance, repair
from fanfold.steps.budget import end_if_overspent
from fanfold.steps.children import look_at_children
from fanfold.steps.run_flow import Job
from fanfold.steps.stop import end_if_fatal


def catch_up(ports: Ports, batch: Batch, jobs: Sequence[Job]) -> None:
    """Everything between settle and ask, for jobs of one batch. The caller asks and acks."""
    indexes = {job.index for job in jobs}
    settled = ports.runs.read(batch.id, indexes).values()
    for run in settled:
        end_if_fatal(ports, run)
    end_if_overspent(ports, batch, list(settled))
    for job in jobs:
        if job.memo is not None:
            look_at_children(ports, batch, job.index, job.memo)
    attempt = max(job.deliveries for job in jobs)
    repair(ports, batch, lambda release: release.record in indexes, attempt)
    advance(ports, batch, jobs[0].index)
