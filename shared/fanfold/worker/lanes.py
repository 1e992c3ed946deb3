"""The lanes: threads that run flows, one record at a time, and bring each run to its end.

    take ▶ execute ▶ conclude ─▶ settle
                        └─ try again ─▶ parked in the process, or waiting in `lives`

With a rate each attempt waits for its turn (worker.pacing), and asks for it when it is taken up.

A lane is taken until the flow's code has returned, even when its run has timed out and is settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Event, Lock, Thread, get_ident

from fanfold import log
from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.order import parameters_of
from fanfold.domain.outcome import (
    Attempt,
    Blame,
    Failed,
    Failure,
    Returned,
    Succeeded,
    Value,
    Waits,
)
from fanfold.domain.retry import Again, Wait
from fanfold.domain.run import Run, RunState
from fanfold.errors import Conflict, UsageError
from fanfold.execution.call import Call
from fanfold.execution.context import Cancellation, Context
from fanfold.execution.invoke import Execution, Invoker
from fanfold.execution.isolation import Isolation
from fanfold.ports import Ports
from fanfold.steps.advance import advance
from fanfold.steps.ask import Duty, generation_of
from fanfold.steps.children import abandon_children
from fanfold.steps.landing import Entry
from fanfold.steps.memory import durable_of, memo_text
from fanfold.steps.policy import Policy
from fanfold.steps.run_flow import Job, conclude, live_of, resolve, run_of
from fanfold.steps.settle import Settler
from fanfold.steps.suspend import suspend
from fanfold.steps.views import Views
from fanfold.worker.hand import Hand
from fanfold.worker.leasing import take
from fanfold.worker.pacing import Pacing
from fanfold.worker.parking import Parking
from fanfold.worker.ready import Item, Ready
from fanfold.worker.stopping import Stopping
from fanfold.worker.ways_out import WaysOut


class Lanes:
    def __init__(
        self,
        ports: Ports,
        policy: Policy,
        views: Views,
        isolation: Isolation,
        *,
        count: int,
        hand: Hand,
        duty: Duty,
        out: WaysOut,
        ready: Ready,
        parking: Parking,
        pacing: Pacing,
        stopping: Stopping,
    ) -> None:
        self._ports = ports
        self._policy = policy
        self._views = views
        self._isolation = isolation
        self._invoker = Invoker()
        self._hand = hand
        self._duty = duty
        self._out = out
        self._ready = ready
        self._parking = parking
        self._pacing = pacing
        self._stopping = stopping
        self._settler: Settler[Job] = Settler(
            ports,
            policy,
            duty,
            finish=out.settled,
            give_up=out.not_settled,
            executing=lambda: self.running,
            trace_of=lambda job: job.delivery.trace,
        )
        self.count = count
        #: runs that are executing or about to, here
        self.running = 0
        #: the thread that settles what it runs itself; 0: there is none
        self.quiet = 0
        self._counting = Lock()
        #: the threads that are inside a flow's code
        self._carrying: set[int | None] = set()
        self._room = Event()
        self.threads = [
            Thread(target=self._work, name=f"fanfold-lane-{number}", daemon=True)
            for number in range(count)
        ]

    @property
    def busy(self) -> int:
        return len(self._carrying)

    def carries(self, thread: Thread) -> bool:
        return thread.ident in self._carrying

    def has_ended(self, thread: Thread) -> bool:
        """Or will not, because its run has timed out and may never return."""
        return not thread.is_alive() or (self.carries(thread) and not self._hand.executing())

    def start(self) -> None:
        self._settler.start()
        for thread in self.threads:
            thread.start()

    def wait_for_room(self, seconds: float) -> None:
        self._room.wait(seconds)
        self._room.clear()

    def tell_of_room(self) -> None:
        if not self._room.is_set():
            self._room.set()

    def end(self) -> None:
        """Wait for all of them; not for one whose run has timed out: it may never return. Then
        settle what they left."""
        for thread in self.threads:
            while not self.has_ended(thread):
                thread.join(0.05)
        for job in self._pacing.close():  # came to its lane too late for its turn
            self.leave(job)
        for seconds, job in self._parking.clear():
            self.leave(job, seconds)
        self._settler.close()

    def stop(self) -> None:
        self._invoker.stop()
        self._isolation.close()

    def change(self, *, running: int) -> None:
        with self._counting:
            self.running += running

    def _work(self) -> None:
        while self._ready.wait_for_place():
            while not self._stopping.is_set() and (item := self._ready.take()) is not None:
                self.carry_out(item)
            self._ready.leave_place()
            if self._stopping.is_set():  # what is ready is given back, not begun
                return

    def carry_out(self, item: Item) -> None:
        job, alone = item
        if not self.begins(job):
            return
        self._carrying.add(get_ident())
        try:
            self._execute(job, alone=alone)
        except Exception as error:  # noqa: BLE001  a lane must outlive its runs
            self.change(running=-1)
            if self._hand.returned(job):
                self._hand.end(job)
                self._duty.give_back(generation_of(job.batch), 1)
                self._out.cannot_handle(job.delivery, error)
        finally:
            self._carrying.discard(get_ident())
            self.tell_of_room()

    def begins(self, job: Job) -> bool:
        """Whether it is its turn still; else it waits for another."""
        if job.turn is None or self._pacing.begins(job):
            return True
        self.change(running=-1)
        return False

    def _execute(self, job: Job, *, alone: bool) -> None:
        canceled = Cancellation()
        # before anything that takes time: a drain waits for it
        if not job.flow.exclusive:
            self._hand.begin(job, canceled)
        elif not self._hand.begin_alone(job, canceled):
            self._leave_to_itself(job)
            return
        elif not take(self._ports, self._policy, job):
            self._leave(job)
            return
        call = self.prepared(job, None, canceled)
        if alone or job.flow.is_isolated:
            self.over(job, call.context, *self._isolation.run(call))
        else:
            self._invoker.invoke(call, partial(self.over, job, call.context))

    def _leave(self, job: Job) -> None:
        """Somebody else is at it, or has settled it."""
        self.change(running=-1)
        if self._hand.returned(job):
            self._hand.end(job)
            self._out.over_elsewhere(job.batch, [job])

    def _leave_to_itself(self, job: Job) -> None:
        """This process is at it, for another message of the same record, or for this very one. The
        lease is this process', so it has it again, and then no message is needed any more."""
        self.change(running=-1)
        take(self._ports, self._policy, job)
        self._out.over_elsewhere(job.batch, [job])

    # ------------------------------------------- what running quickly is made of

    def prepared(
        self, job: Job, context: Context | None, canceled: Cancellation | None = None
    ) -> Call:
        """The next attempt, in the context that is given or else in one of its own."""
        data = resolve(self._ports, job)
        job.attempts += 1
        job.started_at = job.started_at or self._ports.clock.now()
        if context is None:
            context = Context(
                batch_id=job.batch.id,
                index=job.index,
                key=job.key,
                attempt=job.attempts,
                parameters=parameters_of(job.batch.options, job.index),
                canceled=canceled,
                trace=job.delivery.trace,
                tells=job.batch.single,
            )
        if job.flow.wants_context:
            context.opens = partial(durable_of, self._ports, self._policy, job)
        return Call(job.flow, job.batch.flow, data, context, job.timeout)

    def attempt(self, call: Call) -> Attempt:
        """Watched by nobody."""
        return self._invoker.attempt(call)

    def concluded(self, job: Job, attempt: Returned) -> Run:
        return run_of(self._ports, job, Succeeded(Value(text=attempt.output)))

    def adopt(
        self, job: Job, context: Context, canceled: Cancellation, started: float, thread: int
    ) -> Execution:
        """What `thread` has been at since `started` is a run like any other from now on."""
        self._carrying.add(thread)
        self._hand.begin(job, canceled, job.attempts - 1)
        done = partial(self.over, job, context)
        return self._invoker.adopt(done, job.timeout, started)

    def ended(self, execution: Execution, attempt: Attempt) -> None:
        """What was adopted has come to its end, in this thread."""
        self._invoker.finish(execution, attempt)
        self._carrying.discard(get_ident())
        self.tell_of_room()

    def settle(self, entries: Sequence[Entry[Job]], seconds: float, *, here: bool = False) -> None:
        """Outcomes of runs that took so long together; `here`: and now, in this thread, where the
        engine is one for which that is worth it."""
        here = here and self._policy.settles_itself
        if entries:
            self.change(running=-len(entries))
            self._hand.note(seconds / len(entries), len(entries))
            self._settler.add_all(entries, quietly=here)
        if here:
            self._settler.work_off()
        else:
            self._settler.nudge()

    def over(self, job: Job, context: Context, attempt: Attempt, seconds: float) -> None:
        """An attempt is over; called once, from the lane or, at the timeout, from the watchdog.

        It counts as executing until the settler has it, which a drain closes when nothing does;
        but not once it may be taken up again, which would be another execution.
        """
        self.change(running=-1)
        if not self._hand.returned(job):  # given up: whoever has its message now settles it
            return
        try:
            job.seconds += seconds
            job.spent += context.spent
            job.note(context.entries)
            result = conclude(self._ports, job, attempt)
            if isinstance(result, Again):
                self._hand.end(job, seconds)
                self._again(job, result.delay)
            elif isinstance(result, Wait):
                self._hand.end(job, seconds)
                self._suspend(job, result.attempt)
            else:
                if job.memo is not None and job.memo.children:
                    abandon_children(self._ports, job.batch, job.memo)
                quietly = get_ident() == self.quiet
                self._settler.add(Entry(job.batch, result, job, job.leased), quietly=quietly)
                self._hand.end(job, seconds)
                if quietly:
                    return
        except Exception as error:  # noqa: BLE001  not settled: it comes again
            self._hand.end(job)
            self._duty.give_back(generation_of(job.batch), 1)
            self._out.cannot_handle(job.delivery, error)
        self._settler.nudge()

    def _suspend(self, job: Job, waits: Waits) -> None:
        """One whose items cannot be a batch has failed: no repetition mends that."""
        try:
            suspend(self._ports, job, waits)
        except (UsageError, Conflict) as error:
            failure = Failure(Blame.PERMANENT, type(error).__name__, str(error))
            run = run_of(self._ports, job, Failed(failure))
            self._settler.add(Entry(job.batch, run, job, job.leased))
        else:
            self._out.ack(job.batch, [job])

    def _again(self, job: Job, seconds: float) -> None:
        if seconds <= self._policy.wait_in_place and not self._stopping.is_set():
            self._park(job, seconds)
        else:
            self._wait(job, seconds)

    def unpark(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            batch = self._known(job)
            if not batch.is_open:  # a retry must not begin what the user has stopped
                self._out.ack(job.batch, [job])
            elif self._stopping.is_set():  # no lane takes up anything any more
                self.leave(job)
            elif batch.options.rate is not None and (job.turn is None or _is_paused(batch)):
                self._pacing.line_up([job])
            else:
                self.change(running=1)
                self._ready.put([(job, job.deliveries >= self._policy.isolate_from)])

    def _known(self, job: Job) -> Batch:
        """The batch as it is now. In doubt as it was: its result will be refused."""
        try:
            return self._views.of(job.batch.id).batch
        except Exception as error:  # noqa: BLE001  the others that are due must not be lost for it
            log.error("view.failed", f"{type(error).__name__}: {error}", batch_id=job.batch.id)
            return job.batch

    def _park(self, job: Job, seconds: float) -> None:
        """Held on to, without a lane. If it has a lease, that must outlast the wait."""
        if job.leased:
            until = self._ports.clock.now() + seconds + self._policy.lease_seconds
            self._ports.leases.hold(
                job.batch, [live_of(job, RunState.RUNNING, until, self._ports.owner)]
            )
        self._parking.park(job, seconds)

    def leave(self, job: Job, seconds: float = 0.0) -> None:
        """While draining: it will not begin here."""
        if job.started_at:
            self.put_off(job, seconds)
        else:
            self._out.give_back([job])

    def put_off(self, job: Job, seconds: float) -> None:
        """While draining: what was tried already keeps count of it."""
        try:
            self._wait(job, seconds)
        except Exception as error:  # noqa: BLE001  delivered again, with its attempts forgotten
            log.error("wait.failed", f"{type(error).__name__}: {error}", batch_id=job.batch.id)
            self._out.give_back([job])

    def _wait(self, job: Job, seconds: float) -> None:
        """Too long to hold on to: it waits in `lives`, and its place is free."""
        due = self._ports.clock.now() + seconds
        memo = memo_text(self._ports, job)
        waiting = live_of(job, RunState.WAITING, due, None, memo)
        self._ports.leases.wait(job.batch, [waiting])
        advance(self._ports, job.batch, job.index)
        self._out.ack(job.batch, [job])


def _is_paused(batch: Batch) -> bool:
    return batch.state is BatchState.PAUSED
