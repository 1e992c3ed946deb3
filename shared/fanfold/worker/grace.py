"""The time that a drain leaves to what runs, and what becomes of what has not finished by then.

    begin ──▶ nothing executes any more: `end`, in time
      └─────▶ the time has passed: what executes is given up, and with it all there was to wait for

Given up means: its message is given back at once, for another worker to take; what its flow still
returns is dropped, for by then somebody else may be at it. A sync flow cannot be stopped from
outside: its thread is left behind, and ends with the process.

Without a limit nothing of this happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import TIMEOUT_MAX, Thread, Timer
from time import monotonic

from fanfold import log
from fanfold.domain.run import RunState
from fanfold.ports import Ports
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import live_of
from fanfold.worker.hand import Execution
from fanfold.worker.ways_out import WaysOut

#: for what is asked to end when no time is left
_MOMENT = 0.25


class Grace:
    def __init__(self, seconds: float, give_up: Callable[[], None]) -> None:
        """`give_up` is called when they have passed, in a thread of its own."""
        self._seconds = seconds
        self._give_up = give_up
        self._ends_at = 0.0
        self._timer: Timer | None = None
        #: whether anything still goes on that nobody waits for any more
        self.left_behind = False

    @property
    def is_limited(self) -> bool:
        return self._seconds < TIMEOUT_MAX

    def begin(self) -> None:
        if self.is_limited:
            self._ends_at = monotonic() + self._seconds
            self._timer = Timer(self._seconds, self._give_up)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """Nothing executes any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()  # what it is at giving up is given up when this returns

    def aside(self, work: Callable[[], None]) -> Callable[[], None]:
        """Have it done from now on; to be called to wait for it, no longer than there is time.
        Without a limit it is done when it is waited for."""
        if not self.is_limited:
            return work
        thread = Thread(target=work, name="fanfold-aside", daemon=True)
        thread.start()

        def wait() -> None:
            thread.join(max(_MOMENT, self._ends_at - monotonic()))
            self.left_behind = self.left_behind or thread.is_alive()

        return wait


def give_back(ports: Ports, policy: Policy, out: WaysOut, given_up: Sequence[Execution]) -> None:
    """Whoever gets such a message next takes its run up at once.

    A run that has a document (a lease, or attempts to be remembered) is queued again in it: not
    leased, so that nobody leaves it to this process, and not due before a lease's time, so that
    nobody publishes a second message beside the one that is given back. The attempt that was broken
    off does not count.

    A crash before the release leaves the message to be delivered again, as any crash does; one
    before the document is written, too, and then the run waits until its lease has ended.
    """
    by_batch: dict[str, list[Execution]] = {}
    for execution in given_up:
        by_batch.setdefault(execution.job.batch.id, []).append(execution)
    for batch_id, executions in by_batch.items():
        jobs = [it.job for it in executions]
        log.warning(
            "worker.gave_back",
            f"{len(jobs)} running when the time to finish was over; will run again",
            batch_id=batch_id,
        )
        try:
            _queue_again(ports, policy, executions)
        except Exception as error:  # noqa: BLE001  the lease will end by itself
            log.error("lease.failed", f"{type(error).__name__}: {error}", batch_id=batch_id)
        out.give_back(jobs)


def _queue_again(ports: Ports, policy: Policy, executions: Sequence[Execution]) -> None:
    until = ports.clock.now() + policy.lease_seconds
    lives = [
        replace(live_of(it.job, RunState.QUEUED, until, owner=None), attempts=it.attempts)
        for it in executions
        if it.job.leased or it.attempts or it.job.rate_limited
    ]
    if lives:
        ports.leases.hold(executions[0].job.batch, lives)
