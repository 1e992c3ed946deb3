"""Leases of runs that this process is at: of long ones, of exclusive ones, and of those whose
message comes a second time.

While a lease lives nobody else begins its run, and its message need not be kept: should this
process die, the lease ends, and whoever looks for ended leases publishes the run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from fanfold.domain.run import Live, RunState
from fanfold.ports import Ports
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import Job, live_of
from fanfold.worker.hand import Execution


def lease(ports: Ports, policy: Policy, executions: Sequence[Execution]) -> None:
    """Write or renew them; all are of one batch. Those of exclusive runs are asked for, as when
    they began: one that is executing here may be waiting for just that answer, while the lease is
    another process'."""
    if executions[0].job.flow.exclusive:
        for execution in executions:
            take(ports, policy, execution.job)
    else:
        lives = [_lease_of(ports, policy, execution.job) for execution in executions]
        ports.leases.hold(executions[0].job.batch, lives)
    now = monotonic()
    for execution in executions:
        execution.leased = now
        execution.job.leased = True


def take(ports: Ports, policy: Policy, job: Job) -> bool:
    """Before an exclusive run begins, and while it lasts: whether nobody else is at it."""
    live = _lease_of(ports, policy, job)
    taken = ports.leases.take(job.batch, live, ports.clock.now())
    job.leased = job.leased or taken
    return taken


def _lease_of(ports: Ports, policy: Policy, job: Job) -> Live:
    until = ports.clock.now() + policy.lease_seconds
    return live_of(job, RunState.RUNNING, until, ports.owner)
