"""What a flow may know and do beside its record.

    @flow
    def classify(record: dict, ctx: Context) -> str:
        ctx.log("asking", model=ctx.parameters["model"])
        ...

A context belongs to one attempt at one record: nothing of it is shared between records.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from threading import Event, Lock
from typing import Any

from fanfold.domain.ids import run_id_of
from fanfold.domain.money import nanodollars
from fanfold.domain.run import MAX_LOG_CHARS, MAX_LOG_ENTRIES, LogEntry
from fanfold.errors import RunCanceled

_making = Lock()


class Cancellation:
    """Tells a run to stop. Set from outside, looked at from inside."""

    __slots__ = ("_callbacks", "_event", "_is_set", "reason")

    def __init__(self) -> None:
        self._is_set = False
        #: nearly no run ever waits: it is made by the first that does
        self._event: Event | None = None
        self._callbacks: list[Callable[[], None]] = []
        self.reason = ""

    def set(self, reason: str) -> None:
        if not self._is_set:
            self.reason = reason
            self._is_set = True
            if self._event is not None:
                self._event.set()
            for callback in list(self._callbacks):
                callback()

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, seconds: float) -> bool:
        """Sleep that ends at once when told to stop; whether it was."""
        with _making:
            self._event = self._event or Event()
        # whoever set it before could not see the event; whoever does after this line can
        return self._is_set or self._event.wait(seconds)

    def call(self, callback: Callable[[], None]) -> None:
        """Call it once told to stop; at once if that was before."""
        self._callbacks.append(callback)
        if self._is_set:
            callback()

    def forget(self, callback: Callable[[], None]) -> None:
        """A batch's runs may share one cancellation: without this it would hold them all."""
        if callback in self._callbacks:
            self._callbacks.remove(callback)


class Context:
    __slots__ = (
        "_chars",
        "_clock",
        "_run_id",
        "attempt",
        "batch_id",
        "canceled",
        "entries",
        "index",
        "key",
        "on_spend",
        "parameters",
        "spent",
        "trace",
    )

    def __init__(
        self,
        *,
        batch_id: str,
        index: int,
        run_id: str | None = None,
        key: str | None = None,
        attempt: int = 1,
        parameters: Mapping[str, Any] | None = None,
        canceled: Cancellation | None = None,
        trace: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.batch_id = batch_id
        self._run_id = run_id
        #: the record's place in its batch
        self.index = index
        self.key = key
        #: 1 for the first
        self.attempt = attempt
        #: the batch's parameters; a copy, so that one record cannot change another's
        self.parameters: dict[str, Any] = deepcopy(dict(parameters)) if parameters else {}
        self.canceled = canceled or Cancellation()
        #: whose work it is, where somebody traces it (fanfold.trace)
        self.trace = trace
        self.entries: list[LogEntry] = []
        #: in billionths of a dollar (domain.money)
        self.spent = 0
        #: told of each amount; a child process tells its parent
        self.on_spend: Callable[[int], None] | None = None
        self._chars = 0
        self._clock = clock

    @property
    def run_id(self) -> str:
        """Worked out only where somebody asks."""
        if self._run_id is None:
            self._run_id = run_id_of(self.batch_id, self.index)
        return self._run_id

    def log(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Kept with the run's result, up to 200 entries and 64 KiB."""
        text = json.dumps(fields, default=str) if fields else ""
        self._chars += len(message) + len(text)
        if len(self.entries) < MAX_LOG_ENTRIES and self._chars <= MAX_LOG_CHARS:
            self.entries.append(LogEntry(self._clock(), level, str(message), text))

    def spend(self, dollars: float) -> None:
        """Say what something has cost, such as a call of a paid service. It is counted with the
        record, also of an attempt that fails after it; `max_spend` bounds what a batch may cost.
        Raises ValueError for less than nothing."""
        amount = nanodollars(dollars)
        with _making:  # a flow's own threads may spend at once
            self.spent += amount
        if self.on_spend is not None:
            self.on_spend(amount)

    def check_canceled(self) -> None:
        """Raise RunCanceled if the run has been told to stop. Call it in long loops."""
        if self.canceled.is_set():
            raise RunCanceled(self.canceled.reason)

    def sleep(self, seconds: float) -> None:
        """Sleep, but wake and raise RunCanceled when told to stop."""
        if self.canceled.wait(seconds):
            raise RunCanceled(self.canceled.reason)
