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
from dataclasses import asdict, replace
from itertools import count
from threading import Lock
from types import TracebackType
from typing import Any, Self

from fanfold.domain.outcome import (
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
from fanfold.execution.library import place_of
from fanfold.execution.process import ChildProcess, Silence, path

#: seconds for a child to start and find the flow; heavy imports are common, hanging ones are not
LOAD_SECONDS = 300.0


class IsolationClosed(FanfoldError):
    """The worker is stopping. The record is as it was: its message will be delivered again."""


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
        with self._lock:
            try:
                child = self._loaded(call)
                return self._run(call, child) if isinstance(child, ChildProcess) else (child, 0.0)
            except BaseException:
                self._drop()  # what it would say next is not known
                raise

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

    def _loaded(self, call: Call) -> ChildProcess | Attempt:
        """A child that has found the flow."""
        ref = replace(call.ref, place=place_of(call.flow) or call.ref.place)
        request = frames.packed({"load": asdict(ref), "places": self._places, "path": path()})
        while True:
            warm = self._child is not None
            if self._told(call):
                return self._stopped(call)
            try:
                child = self._child = self._child or ChildProcess()
            except OSError as error:
                return _not_started("OSError", f"no child process could be started: {error}")
            child.send(request)
            deadline = time.monotonic() + LOAD_SECONDS
            while "log" in (answer := self._answer(call, child, deadline)):
                """What an earlier record left running still talks."""
            match answer:
                case {"loaded": True}:
                    return child
                case {"refused": [kind, message]}:
                    return _not_started(kind, message)
