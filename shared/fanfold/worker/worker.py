"""A worker process: pulls messages, runs flows on its lanes, settles, acks.

    intake ──pull──▶ decode, admit ──▶ ready ──▶ lanes (threads) ──▶ conclude ──▶ Settler ──▶ ack
       └──────────── quick flows: runs and settles them itself ──────┘▲
                        keeper ── due ── parking ◀──── try again ─────┘
    clerk ──pull──▶ fan_out, finalize, dead_letter; wakes what is due; sweeps

    keeper: extends leases, writes leases of long runs, cancels the runs of stopped batches

Every thread may die with the process at any moment: nothing here is the only copy of anything. A
lane is taken until the flow's code has returned, even when its run has timed out and is settled.

*Quick flows.* Handing a job from thread to thread costs more than a run of some microseconds, and
threads that take turns at one interpreter hold each other up. So where runs are that quick the
intake takes up what it has pulled itself, one after the other, and settles it; the lanes sleep. If
it does not come forward, because one run takes longer than those before it, the lanes are woken,
and another intake takes its place: the old one ends with that run.

Draining: nothing new is pulled, what has not started is given back, what executes finishes, what
waits in the parking waits in `lives` instead; then the process ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Event, Lock, Thread, get_ident

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.domain.outcome import Attempt
from fanfold.domain.retry import Again
from fanfold.domain.run import RunState
from fanfold.execution.call import Call
from fanfold.execution.context import Cancellation, Context
from fanfold.execution.invoke import Invoker
from fanfold.execution.isolation import Isolation
from fanfold.execution.library import Library
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.advance import advance
from fanfold.steps.ask import Duty
from fanfold.steps.catch_up import catch_up
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import (
    Admission,
    Job,
    admit,
    conclude,
    decode,
    live_of,
    resolve,
)
from fanfold.steps.settle import Entry, Settler
from fanfold.steps.sweep import open_batches
from fanfold.steps.views import View, Views
from fanfold.worker.clerk import Clerk
from fanfold.worker.hand import Hand
from fanfold.worker.keeper import Keeper
from fanfold.worker.parking import Parking
from fanfold.worker.ready import Item, Ready
from fanfold.worker.ways_out import WaysOut

#: what a process holds at most, what waits in the parking included
_HOLD = 5000
#: a fast flow's messages are pulled ahead for so many seconds of work
_AHEAD_SECONDS = 0.005
#: runs are quick if half of them take less than the one, and all of them, on average, the other
_QUICK_MEDIAN = 0.0001
_QUICK_MEAN = 0.0003
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
    ) -> None:
        """`sweep_seconds`: how often to sweep; None: runs only, other stations are elsewhere."""
        self._ports = ports
        self._policy = policy
        self._threads = threads
        self._isolation = isolation
        self._invoker = Invoker()
        self._views = Views(ports, policy, library)
        self._hand = Hand()
        self._parking = Parking()
        self._duty = Duty()
        self._out = WaysOut(ports, self._duty, self._hand)
        self._ready = Ready(threads)
        #: which intake is the one; those before it are at a run that takes long
        self._intakes: list[Thread] = []
        #: the thread of the intake while it runs flows itself, and how many it has run
        self._runs_along = 0
        self._ran_along = 0
        #: the threads that are inside a flow's code
        self._carrying: set[int] = set()
        self._running = 0
        self._count = Lock()
        self._room = Event()
        self._stopping = Event()
        self._settler: Settler[Job] = Settler(
            ports,
            policy,
            self._duty,
            finish=self._out.finished,
            give_up=self._out.not_settled,
            executing=lambda: self._running,
        )
        self._keeper = Keeper(ports, policy, self._views, self._hand, self._parking, self._unpark)
        self._clerk = (
            None
            if sweep_seconds is None
            else Clerk(ports, policy, library, self._hand, sweep_seconds)
        )
        self._lanes = [
            Thread(target=self._lane, name=f"fanfold-lane-{number}", daemon=True)
            for number in range(threads)
        ]

    # -------------------------------------------------------------- lifetime

    def run(self, *, until_idle: bool = False) -> None:
        """Work until `stop` is called or, if asked to, until no batch is open."""
        for lane in self._lanes:
            lane.start()
        self._start_intake()
        self._keeper.start()
        if self._clerk is not None:
            self._clerk.start()
        ran = -1
        while not self._stopping.wait(_TICK):
            ran = self._look_after_intake(ran)
            if until_idle and self._is_idle():
                break
        self._drain()

    def stop(self) -> None:
        """Begin to drain. Safe to call from a signal's handler."""
        self._stopping.set()
        self._room.set()

    def _is_idle(self) -> bool:
        return (
            not len(self._hand)
            and not open_batches(self._ports)
            and not any(self._ports.queue.backlog(station) for station in Station)
        )

    def _drain(self) -> None:
        self.stop()
        self._end(self._intakes)
        unstarted = self._ready.clear()
        self._change(running=-len(unstarted))
        self._out.give_back([job for job in unstarted if job.attempts == 0])
        for job in unstarted:
            if job.attempts:
                self._put_off(job, 0.0)
        self._ready.close()
        self._end(self._lanes)
        for seconds, job in self._parking.clear():
            self._put_off(job, seconds)
        self._settler.close()
        if self._clerk is not None:
            self._clerk.stop()
        self._keeper.stop()
        self._invoker.stop()
        self._isolation.close()
        self._ports.queue.release(self._hand.held())

    def _end(self, threads: Sequence[Thread]) -> None:
        """Wait for them; not for one whose run has timed out: it may never return."""
        for thread in threads:
            while thread.is_alive() and (
                thread.ident not in self._carrying or self._hand.executing()
            ):
                thread.join(0.05)

    # ---------------------------------------------------------------- intake

    def _start_intake(self) -> None:
        intake = Thread(target=self._intake, name="fanfold-intake", daemon=True)
        self._intakes = [*(it for it in self._intakes if it.is_alive()), intake]
        intake.start()

    def _is_intake(self, thread: int) -> bool:
        return not self._stopping.is_set() and self._intakes[-1].ident == thread

    def _intake(self) -> None:
        me = get_ident()
        while self._is_intake(me):
            room = self._free()
            if room <= 0:
                self._room.wait(0.1)
                self._room.clear()
                continue
            try:
                deliveries = self._ports.queue.pull(
                    Station.RUNS, min(room, self._policy.pull), wait=0.2
                )
                if deliveries:
                    self._take(deliveries)
            except Exception as error:  # noqa: BLE001  the loop must outlive whatever happens
                log.error("intake.failed", f"{type(error).__name__}: {error}")
                self._stopping.wait(0.5)
            if self._is_quick():
                self._run_along(me)

    def _is_quick(self) -> bool:
        hand = self._hand
        return 0 < hand.median_seconds < _QUICK_MEDIAN and hand.mean_seconds < _QUICK_MEAN

    def _run_along(self, me: int) -> None:
        """Run what is there, and settle it."""
        if not self._ready.take_place():
            return
        self._runs_along = me
        while self._is_intake(me) and (item := self._ready.take()) is not None:
            self._carry_out(item)
            self._ran_along += 1
            if self._settler.is_full:
                self._settler.work_off()
        if self._runs_along == me:
            self._runs_along = 0
        self._ready.leave_place()
        self._settler.work_off()

    def _look_after_intake(self, ran: int) -> int:
        """Whether it still comes forward: how many it had run by now, to compare with later."""
        if not self._runs_along:
            return -1
        if ran == self._ran_along:
            self._runs_along = 0
            self._hand.slow_down(_TICK)
            self._start_intake()
            self._ready.wake(self._threads)
            self._settler.nudge()
        return self._ran_along

    def _free(self) -> int:
        mean = self._hand.mean_seconds
        ahead = min(self._policy.pull, int(self._threads * _AHEAD_SECONDS / mean)) if mean else 0
        return min(
            self._threads + ahead - len(self._carrying) - len(self._ready), _HOLD - len(self._hand)
        )

    def _take(self, deliveries: list[Delivery]) -> None:
        self._hand.take(deliveries)
        jobs: dict[str, list[Job]] = {}
        views: dict[str, View] = {}
        for delivery in deliveries:
            try:
                message = decode(delivery)
                batch_id = message.batch_id
                view = views.get(batch_id)
                if view is None:
                    view = views[batch_id] = self._views.of(batch_id)
                if view.flow is None:
                    self._out.cannot_load(delivery, view)
                    continue
                job = Job(delivery, message, view.batch, view.flow)
                jobs.setdefault(batch_id, []).append(job)
            except Exception as error:  # noqa: BLE001  one bad message harms no other
                self._out.cannot_handle(delivery, error)
        for batch_id, group in jobs.items():
            self._duty.take(batch_id, len(group))
            try:
                admitted = admit(self._ports, self._policy, views[batch_id].batch, group)
            except Exception as error:  # noqa: BLE001  the engine could not tell: again later
                log.error("admit.failed", f"{type(error).__name__}: {error}", batch_id=batch_id)
                self._out.give_back(group, delay=1.0)
                continue
            self._begin(views[batch_id].batch, admitted)

    def _begin(self, batch: Batch, admitted: list[tuple[Job, Admission]]) -> None:
        over: dict[Admission, list[Job]] = {}
        items: list[Item] = []
        for job, admission in admitted:
            if admission in (Admission.RUN, Admission.ALONE):
                items.append((job, admission is Admission.ALONE))
            else:
                over.setdefault(admission, []).append(job)
        self._change(running=len(items))
        self._ready.put(items, wake=not self._is_quick())
        for admission, jobs in over.items():
            try:
                if admission is not Admission.DROPPED:
                    catch_up(self._ports, batch, jobs)
            except Exception as error:  # noqa: BLE001  not acked: they come again
                log.error("catch_up.failed", f"{type(error).__name__}: {error}", batch_id=batch.id)
                self._out.give_back(jobs, delay=1.0)
            else:
                self._out.ack(batch, jobs)

    # ----------------------------------------------------------------- lanes

    def _lane(self) -> None:
        while self._ready.wait_for_place():
            while (item := self._ready.take()) is not None:
                self._carry_out(item)
            self._ready.leave_place()

    def _carry_out(self, item: Item) -> None:
        job, alone = item
        self._carrying.add(get_ident())
        try:
            self._execute(job, alone=alone)
        except Exception as error:  # noqa: BLE001  a lane must outlive its runs
            self._hand.end(job)
            self._change(running=-1)
            self._duty.give_back(job.batch.id, 1)
            self._out.cannot_handle(job.delivery, error)
        finally:
            self._carrying.discard(get_ident())
            if not self._room.is_set():
                self._room.set()

    def _execute(self, job: Job, *, alone: bool) -> None:
        canceled = Cancellation()
        self._hand.begin(job, canceled)  # before anything that takes time: a drain waits for it
        data = resolve(self._ports, job)
        job.attempts += 1
        job.started_at = job.started_at or self._ports.clock.now()
        context = Context(
            batch_id=job.batch.id,
            index=job.index,
            key=job.key,
            attempt=job.attempts,
            parameters=job.batch.options.parameters,
            canceled=canceled,
        )
        call = Call(job.flow, job.batch.flow, data, context, job.timeout)
        if alone:
            self._over(job, context, *self._isolation.run(call))
        else:
            self._invoker.invoke(call, partial(self._over, job, context))

    def _over(self, job: Job, context: Context, attempt: Attempt, seconds: float) -> None:
        """An attempt is over; called once, from the lane or, at the timeout, from the watchdog.

        It counts as executing until the settler has it, which a drain closes when nothing does;
        but not once it may be taken up again, which would be another execution.
        """
        self._change(running=-1)
        try:
            job.seconds += seconds
            job.note(context.entries)
            result = conclude(self._ports, job, attempt)
            if isinstance(result, Again):
                self._hand.end(job, seconds)
                self._again(job, result.delay)
            else:
                quietly = get_ident() == self._runs_along
                self._settler.add(Entry(job.batch, result, job, job.leased), quietly=quietly)
                self._hand.end(job, seconds)
                if quietly:
                    return
        except Exception as error:  # noqa: BLE001  not settled: it comes again
            self._hand.end(job)
            self._duty.give_back(job.batch.id, 1)
            self._out.cannot_handle(job.delivery, error)
        self._settler.nudge()

    def _again(self, job: Job, seconds: float) -> None:
        if seconds <= self._policy.wait_in_place and not self._stopping.is_set():
            self._park(job, seconds)
        else:
            self._wait(job, seconds)

    def _unpark(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if self._is_stopped(job):
                self._out.ack(job.batch, [job])
                continue
            if self._stopping.is_set():  # no lane takes up anything any more
                self._put_off(job, 0.0)
                continue
            self._change(running=1)
            self._ready.put([(job, job.deliveries >= self._policy.isolate_from)])

    def _is_stopped(self, job: Job) -> bool:
        """Since it was parked; a retry must not begin what the user has stopped. In doubt it may
        run: its result will be refused."""
        try:
            return not self._views.of(job.batch.id).batch.is_open
        except Exception as error:  # noqa: BLE001  the others that are due must not be lost for it
            log.error("view.failed", f"{type(error).__name__}: {error}", batch_id=job.batch.id)
            return False

    def _park(self, job: Job, seconds: float) -> None:
        """Held on to, without a lane. If it has a lease, that must outlast the wait."""
        if job.leased:
            until = self._ports.clock.now() + seconds + self._policy.lease_seconds
            self._ports.leases.hold(
                job.batch, [live_of(job, RunState.RUNNING, until, self._ports.owner)]
            )
        self._parking.park(job, seconds)

    def _put_off(self, job: Job, seconds: float) -> None:
        """While draining: what was tried already keeps count of it."""
        try:
            self._wait(job, seconds)
        except Exception as error:  # noqa: BLE001  delivered again, with its attempts forgotten
            log.error("wait.failed", f"{type(error).__name__}: {error}", batch_id=job.batch.id)
            self._out.give_back([job])

    def _wait(self, job: Job, seconds: float) -> None:
        """Too long to hold on to: it waits in `lives`, and its place is free."""
        due = self._ports.clock.now() + seconds
        waiting = live_of(job, RunState.WAITING, due, owner=None)
        self._ports.leases.wait(job.batch, [waiting])
        advance(self._ports, job.batch, job.index)
        self._out.ack(job.batch, [job])

    def _change(self, *, running: int) -> None:
        with self._count:
            self._running += running
