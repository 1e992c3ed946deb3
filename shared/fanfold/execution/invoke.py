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

from fanfold.domain.outcome import Attempt, Returned, TimedOut
from fanfold.execution.call import Call
from fanfold.execution.failures import attempt_of
from fanfold.execution.loop import Errand, LoopThread
from fanfold.execution.validation import check_input, dump_output
from fanfold.execution.watchdog import Watchdog

Done = Callable[[Attempt, float], None]


class _Execution:
    """One call between its beginning and its one end."""

    __slots__ = ("_done", "errand", "over", "started", "timeout")

    def __init__(self, done: Done, timeout: float | None) -> None:
        #: whoever takes it out is the first
        self._done = [done]
        self.timeout = timeout
        #: where an async flow is being run
        self.errand: Errand | None = None
        self.over = False
        self.started = time.monotonic()

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
        execution = _Execution(done, call.timeout)
        if call.timeout is None:
            execution.finish(self._attempt(call, execution))
            return
        self._watchdog.watch(execution, execution.started + call.timeout)
        try:
            attempt = self._attempt(call, execution)
        finally:
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

    def _attempt(self, call: Call, execution: _Execution) -> Attempt:
        flow, context = call.flow, call.context
        try:
            record = check_input(flow, call.data)
            value = flow.fn(record, context) if flow.wants_context else flow.fn(record)
            if type(value) is CoroutineType:
                value = self._awaited(value, call, execution)
            return Returned(dump_output(flow, value))
        except BaseException as error:  # noqa: BLE001  whatever a flow raises is its attempt's end
            return attempt_of(error, context.canceled)

    def _awaited(self, flow: Coroutine[Any, Any, Any], call: Call, execution: _Execution) -> Any:
        errand = execution.errand = self._loop.send(flow)
        if execution.over:  # overdue before the watchdog could see the errand
            errand.cancel()
        canceled = call.context.canceled
        canceled.call(errand.cancel)
        try:
            return errand.wait()
        finally:
            canceled.forget(errand.cancel)
