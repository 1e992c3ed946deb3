"""Run a flow once, on one record, in this process.

The calling thread runs the flow. `done` is told how that ended: once, by the calling thread or,
when the timeout passes first, by the watchdog's. A thread cannot be stopped from outside: a sync
flow that is overdue is abandoned, its result will be dropped, but `invoke` returns only when the
flow's code has, so that the thread counts as taken for as long as it is. An async flow is canceled
instead; one that will not be canceled is abandoned in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any

from fanfold import trace
from fanfold.domain.outcome import Attempt, Returned, TimedOut
from fanfold.execution.call import Call
from fanfold.execution.failures import attempt_of
from fanfold.execution.loop import Errand, LoopThread
from fanfold.execution.validation import check_input, dump_output
from fanfold.execution.watchdog import Watchdog

Done = Callable[[Attempt, float], None]


class Execution:
    """One call between its beginning and its one end."""

    __slots__ = ("_done", "errand", "over", "started", "timeout")

    def __init__(self, done: Done, timeout: float | None, started: float) -> None:
        #: whoever takes it out is the first
        self._done = [done]
        self.timeout = timeout
        #: where an async flow is being run
        self.errand: Errand | None = None
        self.over = False
        self.started = started

    def finish(self, attempt: Attempt) -> None:
        """The first one counts."""
        try:
            done = self._done.pop()
        except IndexError:
            return
        self.over = True
        done(attempt, time.monotonic() - self.started)

    def overdue(self) -> None:
        self.finish(TimedOut(self.timeout or 0.0))
        if self.errand is not None:
            self.errand.cancel()


class Invoker:
    """Shared by all of a worker's threads."""

    def __init__(self) -> None:
        self._watchdog = Watchdog()
        self._loop = LoopThread()

    def invoke(self, call: Call, done: Done) -> None:
        execution = self.adopt(done, call.timeout, time.monotonic())
        self.finish(execution, self.attempt(call, execution))

    def adopt(self, done: Done, timeout: float | None, started: float) -> Execution:
        """What somebody has been at since `started`: watched, and to be finished."""
        execution = Execution(done, timeout, started)
        if timeout is not None:
            self._watchdog.watch(execution, started + timeout)
        return execution

    def finish(self, execution: Execution, attempt: Attempt) -> None:
        self._watchdog.forget(execution)
        execution.finish(attempt)

    @property
    def watched(self) -> int:
        """How many deadlines are kept."""
        return len(self._watchdog)

    def stop(self) -> None:
        """Once nothing is being invoked any more; what was abandoned is left to itself."""
        self._loop.stop()
        self._watchdog.stop()

    def attempt(self, call: Call, execution: Execution | None = None) -> Attempt:
        """The calling thread does it. Without an execution nobody can end it before its time."""
        if not call.context.trace:
            return self._attempt(call, execution)
        with trace.continued(call.context.trace):
            return self._attempt(call, execution)

    def _attempt(self, call: Call, execution: Execution | None) -> Attempt:
        flow, context = call.flow, call.context
        try:
            record = check_input(flow, call.data)
            value = flow.fn(record, context) if flow.wants_context else flow.fn(record)
            if type(value) is CoroutineType:
                value = self._awaited(value, call, execution)
            return Returned(dump_output(flow, value))
        except BaseException as error:  # noqa: BLE001  whatever a flow raises is its attempt's end
            return attempt_of(error, context)

    def _awaited(
        self, flow: Coroutine[Any, Any, Any], call: Call, execution: Execution | None
    ) -> Any:
        errand = self._loop.send(flow)
        if execution is not None:
            execution.errand = errand
            if execution.over:  # overdue before the watchdog could see the errand
                errand.cancel()
        return errand.wait_unless(call.context.canceled)
