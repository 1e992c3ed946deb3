"""A worker process: pulls messages, runs flows on its lanes, settles, acks.

    intake ──pull──▶ decode, admit ──▶ ready ──▶ lanes (threads) ──▶ conclude ──▶ Settler ──▶ ack
       └──────────── quick flows: runs and settles them itself ──────┘▲
                        keeper ── due ── parking ◀──── try again ─────┘
                              with a rate ─▶ pacing: turns
    clerk ──pull──▶ fan_out, finalize, dead_letter; wakes what is due; sweeps

    keeper: extends leases, writes leases of long runs, cancels the runs of stopped batches

    `run` itself: does the intake come forward, is memory or load too high to pull more

Every thread may die with the process at any moment: nothing here is the only copy of anything.

Draining: nothing new is pulled, what has not started is given back, also what waits for its turn,
what executes finishes, what waits in the parking waits in `lives` instead; then the process ends.
With a limit (worker.grace) what does not finish in time is given back, too.
"""

from __future__ import annotations

import time

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.following import Waiting, waits
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Ports, Station
from fanfold.steps.ask import Duty
from fanfold.steps.follow import look
from fanfold.steps.policy import Policy
from fanfold.steps.sweep import open_batches
from fanfold.steps.views import Views
from fanfold.worker.bounds import USUAL, Bounds
from fanfold.worker.clerk import Clerk
from fanfold.worker.gauges import Gauges, SystemGauges
from fanfold.worker.grace import Grace, give_back
from fanfold.worker.hand import Hand
from fanfold.worker.intake import Intake
from fanfold.worker.keeper import Keeper
from fanfold.worker.lanes import Lanes
from fanfold.worker.pacing import Pacing
from fanfold.worker.parking import Parking
from fanfold.worker.pressure import Pressure, limits_of
from fanfold.worker.ready import Ready
from fanfold.worker.stopping import Stopping
from fanfold.worker.ways_out import WaysOut

#: how often somebody looks whether the intake comes forward
_TICK = 0.02


class Worker:
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        library: Library,
        isolation: Isolation,
        *,
        threads: int,
        sweep_seconds: float | None,
        bounds: Bounds = USUAL,
        gauges: Gauges | None = None,
    ) -> None:
        """`sweep_seconds`: how often to sweep; None: runs only, other stations are elsewhere.
        `gauges`: where memory and load are read. Raises Unreadable if they cannot be and `bounds`
        names them."""
        self._ports = ports
        self._policy = policy
        self._pressure = Pressure(limits_of(bounds, gauges or SystemGauges()))
        self._hand = Hand()
        grace = policy.grace_seconds if bounds.grace is None else bounds.grace
        self._grace = Grace(grace, self._hand.give_up)
        self._stopping = Stopping()
        self._ready = Ready(threads)
        views, parking, duty = Views(ports, policy, library), Parking(), Duty()
        self._out = WaysOut(ports, duty, self._hand)
        self._pacing = Pacing(ports, policy, views, parking, self._out)
        self._lanes = Lanes(
            ports,
            policy,
            views,
            isolation,
            count=threads,
            hand=self._hand,
            duty=duty,
            out=self._out,
            ready=self._ready,
            parking=parking,
            pacing=self._pacing,
            stopping=self._stopping,
        )
        self._hand.on_drop = self._lanes.tell_of_room
        self._intake = Intake(
            ports,
            policy,
            views,
            hand=self._hand,
            duty=duty,
            out=self._out,
            ready=self._ready,
            lanes=self._lanes,
            pacing=self._pacing,
            stopping=self._stopping,
            bounds=bounds,
            pressure=self._pressure,
        )
        self._keeper = Keeper(ports, policy, views, self._hand, parking, self._lanes.unpark)
        self._clerk = (
            None
            if sweep_seconds is None
            else Clerk(ports, policy, library, self._hand, sweep_seconds)
        )

    def run(self, *, until_idle: bool = False) -> None:
        """Work until `stop` is called or, if asked to, until no batch is open."""
        self._pressure.look()
        self._lanes.start()
        self._intake.start()
        self._keeper.start()
        if self._clerk is not None:
            self._clerk.start()
        idle_at = time.monotonic() + self._policy.idle_seconds
        while not self._stopping.wait(_TICK):
            self._intake.look_after(_TICK)
            self._pressure.look()
            if until_idle and time.monotonic() >= idle_at:
                if self._is_idle():
                    break
                idle_at = time.monotonic() + self._policy.idle_seconds
        self._drain()

    def stop(self) -> None:
        """Begin to drain. A signal's handler may call it, and so it takes no lock."""
        self._stopping.set()

    @property
    def left_behind(self) -> bool:
        """Whether, after `run`, something still executes that nobody waits for any more."""
        return self._grace.left_behind or bool(self._hand.given_up())

    def _is_idle(self) -> bool:
        # what is paused goes on when its user says so, and not before
        batches = [it for it in open_batches(self._ports) if not self._stays(it)]
        if len(self._hand) or not all(batch.flow.is_in_memory for batch in batches):
            return False
        # what only another process can work on, now or later, is not waited for
        return bool(batches) or not any(self._ports.queue.backlog(it) for it in Station)

    def _stays(self, batch: Batch) -> bool:
        """As it is, as far as it goes: what it waits for is looked at by itself."""
        if waits(batch) and isinstance(look(self._ports.batches, batch), Waiting):
            return True
        return _stays_paused(batch)

    def _drain(self) -> None:
        self.stop()
        self._grace.begin()
        clerk_ends = self._grace.aside(self._clerk.stop if self._clerk else lambda: None)
        self._lanes.tell_of_room()
        self._intake.stop_pulling()
        unstarted = self._ready.clear()
        self._lanes.change(running=-len(unstarted))
        self._out.give_back([job for job in unstarted if job.attempts == 0])
        for job in unstarted:
            if job.attempts:
                self._lanes.put_off(job, 0.0)
        for job in self._pacing.close():
            self._lanes.leave(job)
        self._ready.close()
        self._intake.end()
        self._lanes.end()
        self._grace.end()
        clerk_ends()
        self._keeper.stop()  # it would renew the leases of what is given back
        give_back(self._ports, self._policy, self._out, self._hand.given_up())
        lanes_stop = self._grace.aside(self._lanes.stop)
        self._ports.queue.release(self._hand.held())
        lanes_stop()


def _stays_paused(batch: Batch) -> bool:
    return batch.state is BatchState.PAUSED and batch.winding_down is None
