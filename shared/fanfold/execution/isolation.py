"""Run a record alone in a child process, so that nothing but the record itself dies of it.

    parent                                 child
    load  flow, places, path      ──────▶  finds the flow
          loaded | refused        ◀──────
    run   record, context         ──────▶  invokes it
          log …                   ◀──────
          attempt, seconds        ◀──────

The child is kept for the next isolated record, and replaced after its death. Finding the flow comes
before the run, in an exchange of its own: a child that dies or hangs there says nothing about the
record. A child that dies during the run does: it was alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from threading import Lock
from types import TracebackType
from typing import Any, Self

from fanfold.domain.outcome import (
    MAX_MESSAGE_CHARS,
    Attempt,
    Blame,
    Died,
    Failure,
    Interrupted,
    Raised,
    TimedOut,
)
from fanfold.domain.run import LogEntry
from fanfold.errors import FanfoldError
from fanfold.execution import frames
from fanfold.execution.call import Call
from fanfold.execution.here import run_here
from fanfold.execution.library import place_of
from fanfold.execution.process import ChildProcess, Silence, path

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
    """One child, one record at a time. Safe to share between threads."""

    def __init__(self, places: Sequence[str] = ()) -> None:
        self._places = list(places)
        self._child: ChildProcess | None = None
        self._lock = Lock()
        self._numbers = count(1)
        self._closed = False

    def run(self, call: Call) -> tuple[Attempt, float]:
        """How it ended, and the seconds it took. Raises IsolationClosed."""
        if call.ref.is_in_memory:  # no child could find it
            return run_here(call)
        with self._lock:
            if self._is_told(call):
                return self._stopped(call), 0.0
            refusal = self._load(call)
            return (refusal, 0.0) if refusal is not None else self._run(call)

    def close(self) -> None:
        """End the child. A record that is in it is not settled: its `run` raises."""
        self._closed = True
        with self._lock:
            child, self._child = self._child, None
            if child is not None:
                child.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _load(self, call: Call) -> Attempt | None:
        """Have a child find the flow; an attempt only if that is not to be."""
        ref = replace(call.ref, place=place_of(call.flow) or call.ref.place)
        request = {"load": asdict(ref), "places": self._places, "path": path()}
        was_warm = self._child is not None
        try:
            answer = self._exchange(call, request, LOAD_SECONDS)
            if isinstance(answer, _Lost) and answer.why is Silence.GONE and was_warm:
                # it died idle, of something an earlier record left behind
                answer = self._exchange(call, request, LOAD_SECONDS)
        except OSError as error:
            return _not_begun("OSError", f"no child process can be started: {error}")
        if not isinstance(answer, _Lost):
            return _not_begun(*answer["refused"]) if "refused" in answer else None
        match answer.why:
            case Silence.TOLD:
                return self._stopped(call)
            case Silence.OVERDUE:
                return _not_begun(
                    "ChildProcessError", f"the flow was not found within {LOAD_SECONDS:g} s"
                )
            case Silence.GONE:
                return _not_begun(
                    "ChildProcessError", f"the child ended before the record began: {answer.how}"
                )

    def _run(self, call: Call) -> tuple[Attempt, float]:
        context = call.context
        about = {
            "batch_id": context.batch_id,
            "run_id": context.run_id,
            "index": context.index,
            "key": context.key,
            "attempt": context.attempt,
            "parameters": context.parameters,
        }
        started = time.monotonic()
        answer = self._exchange(call, {"run": call.data, "context": about}, call.timeout)
        seconds = time.monotonic() - started
        if not isinstance(answer, _Lost):
            return frames.attempt_unpacked(answer["attempt"]), answer["seconds"]
        match answer.why:
            case Silence.TOLD:
                return self._stopped(call), seconds
            case Silence.OVERDUE:
                return TimedOut(call.timeout or 0.0), seconds
            case Silence.GONE:
                return Died(answer.how), seconds

    def _exchange(
        self, call: Call, request: dict[str, Any], seconds: float | None
    ) -> dict[str, Any] | _Lost:
        """The child's answer. Its log comes before; that of what an earlier record left running
        carries another number, and is nobody's any more."""
        number = next(self._numbers)
        body = frames.packed({**request, "number": number})
        child = self._child = self._child or ChildProcess()
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            child.send(body)
            while not isinstance(
                answer := child.receive(deadline, lambda: self._is_told(call)), Silence
            ):
                if answer["number"] != number:
                    continue
                if "log" not in answer:
                    return answer
                call.context.entries.append(LogEntry(*answer["log"]))
        except BaseException:
            self._child = None
            child.kill()  # what it would say next is not known
            raise
        self._child = None
        if answer is Silence.GONE:
            return _Lost(answer, child.ended())
        child.kill()
        return _Lost(answer, "")

    def _is_told(self, call: Call) -> bool:
        return self._closed or call.context.canceled.is_set()

    def _stopped(self, call: Call) -> Attempt:
        if self._closed:
            raise IsolationClosed
        return Interrupted(call.context.canceled.reason)


def _not_begun(kind: str, message: str) -> Raised:
    return Raised(Failure(Blame.ERROR, kind, message[:MAX_MESSAGE_CHARS]))
