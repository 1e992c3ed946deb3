"""Run records alone in child processes, so that nothing but the record itself dies of it.

    parent                                 child
    load  flow, places, path      ──────▶  finds the flow
          loaded | refused        ◀──────
    run   record, context         ──────▶  invokes it
          log …, spent …          ◀──────
          keep, gather            ◀─────▶  (execution.afar)
          attempt, seconds        ◀──────

A child is kept for the next record, and replaced after its death. Finding the flow comes before the
run, in an exchange of its own: a child that dies or hangs there says nothing about the record. A
child that dies during the run does: it was alone.

Two kinds of records come here. Those of a flow with isolation="process" run side by side, as many
as there are threads that bring them, each in a child of its own. Those that are only suspected of
killing processes, for they were delivered so often, take turns: their flow's author has not
reckoned with a process for each lane.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from threading import Condition, Lock
from types import TracebackType
from typing import Any, Self

from fanfold.domain.outcome import (
    MAX_MESSAGE_CHARS,
    Attempt,
    Blame,
    Died,
    Failure,
    Interrupted,
    MemoryExceeded,
    Raised,
    TimedOut,
)
from fanfold.domain.run import LogEntry
from fanfold.errors import FanfoldError
from fanfold.execution import frames
from fanfold.execution.afar import answered, brought_back, sent_along
from fanfold.execution.call import Call
from fanfold.execution.here import run_here
from fanfold.execution.library import place_of
from fanfold.execution.pool import IDLE_SECONDS, Child, Pool
from fanfold.execution.process import Silence, path

#: seconds for a child to start and find the flow; heavy imports are common, hanging ones are not
LOAD_SECONDS = 300.0


class IsolationClosed(FanfoldError):
    """The worker is stopping. The record is as it was: its message will be delivered again."""


@dataclass(frozen=True, slots=True)
class _Lost:
    """The child is no more: why, and how it ended."""

    why: Silence
    how: str


class Isolation:
    """Safe to share between threads."""

    def __init__(self, places: Sequence[str] = (), idle_seconds: float = IDLE_SECONDS) -> None:
        self._places = list(places)
        self._pool = Pool(idle_seconds)
        #: taken by records that take turns
        self._turn = Lock()
        self._numbers = count(1)
        self._changed = Condition()
        self._inside = 0
        self._closed = False

    def run(self, call: Call) -> tuple[Attempt, float]:
        """How it ended, and the seconds it took. Raises IsolationClosed."""
        if call.ref.is_in_memory:  # no child could find it
            return run_here(call)
        with self._counted():
            if call.flow.is_isolated:
                return self._run_alone(call)
            with self._turn:
                return self._run_alone(call)

    def close(self) -> None:
        """End the children. A record that is in one is not settled: its `run` raises."""
        with self._changed:
            self._closed = True
            while self._inside:
                self._changed.wait()
        self._pool.close()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            if self._closed:
                raise IsolationClosed
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run_alone(self, call: Call) -> tuple[Attempt, float]:
        if self._is_told(call):
            return self._stopped(call), 0.0
        try:
            child = self._loaded(call)
        except OSError as error:
            return _not_begun("OSError", f"no child process can be started: {error}"), 0.0
        return self._run(call, child) if isinstance(child, Child) else (child, 0.0)

    def _loaded(self, call: Call) -> Child | Attempt:
        """A child that has found the flow; an attempt only if that is not to be."""
        place = None if call.ref.part else place_of(call.flow)
        ref = replace(call.ref, place=place or call.ref.place)
        request = {"load": asdict(ref), "places": self._places, "path": path()}
        child = self._pool.take(ref, call.flow.memory)
        answer = self._exchange(call, child, request, LOAD_SECONDS)
        while isinstance(answer, _Lost) and answer.why is Silence.GONE and child.is_warm:
            # it died idle, of something an earlier record left behind
            child = self._pool.take(ref, call.flow.memory)
            answer = self._exchange(call, child, request, LOAD_SECONDS)
        if not isinstance(answer, _Lost):
            if not child.is_warm:
                child.at_first = child.process.resident()
            if "refused" not in answer:
                return child
            self._pool.put(child)
            return _not_begun(*answer["refused"])
        match answer.why:
            case Silence.TOLD:
                return self._stopped(call)
            case Silence.FULL:
                return MemoryExceeded(call.flow.memory or 0)
            case Silence.OVERDUE:
                return _not_begun(
                    "ChildProcessError", f"the flow was not found within {LOAD_SECONDS:g} s"
                )
            case Silence.GONE:
                return _not_begun(
                    "ChildProcessError", f"the child ended before the record began: {answer.how}"
                )

    def _run(self, call: Call, child: Child) -> tuple[Attempt, float]:
        context = call.context
        about = {
            "batch_id": context.batch_id,
            "run_id": context.run_id,
            "index": context.index,
            "key": context.key,
            "attempt": context.attempt,
            "parameters": context.parameters,
            "trace": context.trace,
            "tells": context.tells,
        }
        request = {"run": call.data, "context": about, "memory": call.flow.memory}
        if call.flow.wants_context:
            request["durable"] = sent_along(context)
        started = time.monotonic()
        answer = self._exchange(call, child, request, call.timeout)
        seconds = time.monotonic() - started
        if not isinstance(answer, _Lost):
            self._pool.put(child)
            brought_back(context, answer)
            return frames.attempt_unpacked(answer["attempt"]), answer["seconds"]
        match answer.why:
            case Silence.TOLD:
                return self._stopped(call), seconds
            case Silence.FULL:
                return MemoryExceeded(call.flow.memory or 0), seconds
            case Silence.OVERDUE:
                return TimedOut(call.timeout or 0.0), seconds
            case Silence.GONE:
                return Died(answer.how), seconds

    def _exchange(
        self, call: Call, child: Child, request: dict[str, Any], seconds: float | None
    ) -> dict[str, Any] | _Lost:
        """The child's answer; without one there is no child any more. Its log comes before; that of
        what an earlier record left running carries another number, and is nobody's any more."""
        number = next(self._numbers)
        body = frames.packed({**request, "number": number})
        process = child.process
        deadline = None if seconds is None else time.monotonic() + seconds
        told, limit = (lambda: self._is_told(call)), call.flow.memory
        try:
            process.send(body)
            while not isinstance(answer := process.receive(deadline, told, limit), Silence):
                if answer["number"] != number:
                    continue
                if "log" in answer:
                    call.context.entries.append(LogEntry(*answer["log"]))
                elif "spent" in answer:
                    call.context.spent += answer["spent"]
                elif "keep" in answer or "gather" in answer:
                    process.send(frames.packed(answered(call.context, answer)))
                else:
                    return answer
        except BaseException:
            process.kill()  # what it would say next is not known
            raise
        if answer is Silence.GONE:
            return _Lost(answer, process.ended())
        process.kill()
        return _Lost(answer, "")

    def _is_told(self, call: Call) -> bool:
        return self._closed or call.context.canceled.is_set()

    def _stopped(self, call: Call) -> Attempt:
        if self._closed:
            raise IsolationClosed
        return Interrupted(call.context.canceled.reason)


def _not_begun(kind: str, message: str) -> Raised:
    return Raised(Failure(Blame.ERROR, kind, message[:MAX_MESSAGE_CHARS]))
