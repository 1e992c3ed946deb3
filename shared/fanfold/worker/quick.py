"""Quick flows, one after the other, by one thread, settled in groups by the same.

What a run is given elsewhere (a cancellation somebody may set, a deadline somebody watches, a place
in the hand, a lock here and there) costs more than a run of some microseconds. So a quick run gets
none of it, unless it turns out not to be quick: then whoever looks after this *promotes* it, from
outside and while it runs, to a run like any other, and what was run before it is settled.

    run ──▶ the job is in the slot ──flow's code──▶ taken out of it: ended, quickly
                        └──────── promote ────────▶ not there any more: it ends as any other

The slot holds the job while the flow's code is at it. It is taken out once, by the one or by the
other, and whoever takes it out may touch the results that wait to be settled.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, get_ident
from time import monotonic

from fanfold.domain.flow import Flow
from fanfold.domain.outcome import MAX_INLINE_OUTPUT_BYTES, Returned
from fanfold.execution.context import Cancellation, Context
from fanfold.execution.invoke import Execution
from fanfold.steps.landing import Entry
from fanfold.steps.run_flow import Job
from fanfold.worker.lanes import Lanes
from fanfold.worker.ready import Ready

#: given to flows that take none: it is never told anything and holds nothing
_NOBODYS = Context(batch_id="", index=0)


class Quick:
    def __init__(self, lanes: Lanes, ready: Ready, group: int) -> None:
        self._lanes = lanes
        self._ready = ready
        self._group = group
        self._lock = Lock()
        self._slot: list[Job] = []
        self._context = _NOBODYS
        self._started = 0.0
        self._entries: list[Entry[Job]] = []
        self._seconds = 0.0
        #: what the job that was taken out of the slot has become
        self._promoted: Execution | None = None
        self._thread = 0
        #: how many it has run, ever
        self.ran = 0

    def run(self, goes_on: Callable[[], bool]) -> None:
        """What is ready, as long as there is some."""
        self._thread = get_ident()
        while goes_on() and (item := self._ready.take()) is not None:
            job, alone = item
            if alone or job.message.record is None or _takes_time(job.flow):
                self._lanes.carry_out(item)
            elif self._lanes.begins(job):
                self._run_one(job)
            self.ran += 1
            if len(self._entries) >= self._group:
                self._hand_in()
        self._hand_in()

    def promote(self) -> bool:
        """The run that executes is not quick; whether there is one."""
        with self._lock:
            try:
                job = self._slot.pop()
            except IndexError:
                return False
            # nobody's must not be told to stop: it is everybody's
            canceled = Cancellation() if self._context is _NOBODYS else self._context.canceled
            self._promoted = self._lanes.adopt(
                job, self._context, canceled, self._started, self._thread
            )
            entries, self._entries = self._entries, []
            seconds, self._seconds = self._seconds, 0.0
        self._lanes.settle(entries, seconds)
        return True

    def _run_one(self, job: Job) -> None:
        lanes = self._lanes
        has_own = job.flow.wants_context or job.delivery.trace
        call = lanes.prepared(job, None if has_own else _NOBODYS)
        context = self._context = call.context
        started = self._started = monotonic()
        slot = self._slot = [job]
        attempt = lanes.attempt(call)
        seconds = monotonic() - started
        try:
            slot.pop()
        except IndexError:
            with self._lock:
                execution = self._promoted
            if execution is not None:
                lanes.ended(execution, attempt)
            return
        if (
            isinstance(attempt, Returned)
            and not context.entries
            and not context.spent
            and len(attempt.output) <= MAX_INLINE_OUTPUT_BYTES
        ):
            job.seconds += seconds
            self._seconds += seconds
            run = lanes.concluded(job, attempt)
            self._entries.append(Entry(job.batch, run, job, job.leased))
        else:
            lanes.over(job, context, attempt, seconds)

    def _hand_in(self) -> None:
        entries, self._entries = self._entries, []
        seconds, self._seconds = self._seconds, 0.0
        self._lanes.settle(entries, seconds, here=True)


def _takes_time(flow: Flow) -> bool:
    """Whatever its code does: it is awaited, or leased, or sent to a child process."""
    return flow.is_async or flow.exclusive or flow.is_isolated
