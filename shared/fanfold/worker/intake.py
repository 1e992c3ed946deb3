"""The intake: pulls messages and admits them, and runs them itself where runs are quick.

Handing a job from thread to thread costs more than a run of some microseconds, and threads that
take turns at one interpreter hold each other up. So where runs are that quick the intake takes up
what it has pulled itself (worker.quick); the lanes sleep. If it does not come forward, because one
run takes longer than those before it, the lanes are woken, and another intake takes its place: the
old one ends with that run.

It pulls no more than fits into this process' bounds. By count that is exact. By bytes it cannot be,
for how large a message is shows when it is there: at the bound nothing is pulled, and below it as
many as fit if they are as large as those seen before, on average, or, before the first, as large as
they may be. So one pull can overshoot, by what its answer holds beyond that.
"""

from __future__ import annotations

from functools import partial
from threading import Thread, get_ident

from fanfold import log
from fanfold.domain.batch import Batch
from fanfold.domain.records import MAX_INLINE_BYTES
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.ask import Duty, generation_of
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import Admission, Job, admit, decode
from fanfold.steps.views import View, Views
from fanfold.worker.bounds import Bounds
from fanfold.worker.hand import Hand
from fanfold.worker.lanes import Lanes
from fanfold.worker.leasing import lease
from fanfold.worker.pacing import Pacing
from fanfold.worker.pressure import Pressure
from fanfold.worker.quick import Quick
from fanfold.worker.ready import Item, Ready
from fanfold.worker.stopping import Stopping
from fanfold.worker.ways_out import WaysOut

#: runs are quick if half of them take less than the one, and all of them, on average, the other
_QUICK_MEDIAN = 0.0001
_QUICK_MEAN = 0.0003


class Intake:
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        views: Views,
        *,
        hand: Hand,
        duty: Duty,
        out: WaysOut,
        ready: Ready,
        lanes: Lanes,
        pacing: Pacing,
        stopping: Stopping,
        bounds: Bounds,
        pressure: Pressure,
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._views = views
        self._hand = hand
        self._duty = duty
        self._out = out
        self._ready = ready
        self._lanes = lanes
        self._pacing = pacing
        self._stopping = stopping
        self._bounds = bounds
        self._pressure = pressure
        #: a moving mean of what a message holds
        self._mean_bytes = float(MAX_INLINE_BYTES)
        self._has_seen_any = False
        #: the last one is the intake; those before it are at a run that takes long
        self.threads: list[Thread] = []
        self._quick = Quick(lanes, ready, policy.group)
        #: how many it had run itself when somebody last looked
        self._seen = -1

    def start(self) -> None:
        thread = Thread(target=self._work, name="fanfold-intake", daemon=True)
        self.threads = [*(it for it in self.threads if it.is_alive()), thread]
        thread.start()

    def look_after(self, seconds: float) -> None:
        """Every so many seconds: does it come forward? If not, another one takes its place."""
        if not self._lanes.quiet:
            self._seen = -1
            return
        ran = self._quick.ran
        if self._seen == ran and self._is_at_a_run():
            self._lanes.quiet = 0
            self._hand.slow_down(seconds)
            self._quick = Quick(self._lanes, self._ready, self._policy.group)
            self.start()
            self._ready.wake_all()
        self._seen = ran

    def _is_at_a_run(self) -> bool:
        """One that executes like any other, at the latest from now on."""
        return self._quick.promote() or self._lanes.carries(self.threads[-1])

    def stop_pulling(self) -> None:
        """Once it is stopping: wait until no more can come. One that is at a run takes up no
        other."""
        for thread in self.threads:
            while thread.is_alive() and not self._lanes.carries(thread):
                thread.join(0.05)
                self._quick.promote()

    def end(self) -> None:
        for thread in self.threads:
            while not self._lanes.has_ended(thread):
                thread.join(0.05)

    def _is(self, thread: int) -> bool:
        return not self._stopping.is_set() and self.threads[-1].ident == thread

    def _work(self) -> None:
        me = get_ident()
        while self._is(me):
            room = self._free()
            if room <= 0:
                self._lanes.wait_for_room(0.1)
                continue
            try:
                deliveries = self._ports.queue.pull(
                    Station.RUNS, min(room, self._policy.pull), self._policy.pull_seconds
                )
                if deliveries:
                    self.take(deliveries)
                if self._is_quick():
                    self._run_along(me)
            except Exception as error:  # noqa: BLE001  the loop must outlive whatever happens
                log.error("intake.failed", f"{type(error).__name__}: {error}")
                self._stopping.wait(0.5)

    def _is_quick(self) -> bool:
        hand = self._hand
        return 0 < hand.median_seconds < _QUICK_MEDIAN and hand.mean_seconds < _QUICK_MEAN

    def _run_along(self, me: int) -> None:
        """Run what is there, and settle it."""
        if not self._ready.take_place():
            return
        self._lanes.quiet = me
        try:
            self._quick.run(partial(self._is, me))
        finally:
            if self._lanes.quiet == me:
                self._lanes.quiet = 0
            self._ready.leave_place()

    def _free(self) -> int:
        if self._pressure.is_high:
            return 0
        mean = self._hand.mean_seconds
        ahead = (
            min(self._policy.pull, int(self._lanes.count * self._policy.ahead_seconds / mean))
            if mean
            else 0
        )
        return min(
            self._lanes.count + ahead - self._lanes.busy - len(self._ready),
            self._bounds.messages - self._hand.runs,
            self._fitting(self._bounds.bytes - self._hand.bytes),
        )

    def _fitting(self, bytes_left: int) -> int:
        """One that is larger than all there is must get through as well."""
        return max(1, int(bytes_left / self._mean_bytes)) if bytes_left > 0 else 0

    def _weigh(self, deliveries: list[Delivery]) -> None:
        mean = max(1.0, sum(len(it.body) for it in deliveries) / len(deliveries))
        share = 1.0 - 0.9 ** len(deliveries) if self._has_seen_any else 1.0
        self._mean_bytes += share * (mean - self._mean_bytes)
        self._has_seen_any = True

    def take(self, deliveries: list[Delivery]) -> None:
        """Admit what was pulled: what is to run is ready then, the rest has left again."""
        self._hand.take(deliveries)
        self._weigh(deliveries)
        jobs: dict[str, list[Job]] = {}
        views: dict[str, View] = {}
        for delivery in deliveries:
            try:
                message = decode(delivery)
                batch_id = message.batch_id
                view = views.get(batch_id)
                if view is None or view.batch.generation < message.generation:
                    view = views[batch_id] = self._views.of(batch_id, message.generation)
                if view.flow is None:
                    self._out.cannot_load(delivery, view)
                    continue
                job = Job(delivery, message, view.batch, view.flow)
                jobs.setdefault(batch_id, []).append(job)
            except Exception as error:  # noqa: BLE001  one bad message harms no other
                self._out.cannot_handle(delivery, error)
        for batch_id, group in jobs.items():
            batch = views[batch_id].batch
            for job in group:  # one of them may have had it read anew
                job.batch = batch
            self._duty.take(generation_of(batch), len(group))
            try:
                fresh = self._without_those_at_work(group)
                admitted = admit(self._ports, self._policy, batch, fresh)
            except Exception as error:  # noqa: BLE001  the engine could not tell: again later
                log.error("admit.failed", f"{type(error).__name__}: {error}", batch_id=batch_id)
                self._out.give_back(group, delay=1.0)
                continue
            self._begin(batch, admitted)

    def _without_those_at_work(self, group: list[Job]) -> list[Job]:
        """A message whose deadline has passed comes again, also to the very process that is at its
        run. It is leased now if it was not, and this delivery acked."""
        here = {
            id(job): execution
            for job in group
            if job.deliveries > 1 and (execution := self._hand.at_it(job)) is not None
        }
        if not here:
            return group
        unleased = [it for it in here.values() if not it.job.leased]
        if unleased:
            lease(self._ports, self._policy, unleased)
        twice = [job for job in group if id(job) in here]
        self._out.over_elsewhere(twice[0].batch, twice)
        return [job for job in group if id(job) not in here]

    def _begin(self, batch: Batch, admitted: list[tuple[Job, Admission]]) -> None:
        over: dict[Admission, list[Job]] = {}
        items: list[Item] = []
        for job, admission in admitted:
            if admission in (Admission.RUN, Admission.ALONE):
                items.append((job, admission is Admission.ALONE))
            else:
                over.setdefault(admission, []).append(job)
        if batch.options.rate is not None:
            self._pacing.line_up([job for job, _ in items])
        else:
            self._lanes.change(running=len(items))
            self._ready.put(items, wake=not self._is_quick())
        for admission, jobs in over.items():
            if admission is Admission.DROPPED:
                self._out.ack(batch, jobs)
            else:
                self._out.over_elsewhere(batch, jobs)
