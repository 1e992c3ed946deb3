"""Whoever waits for a batch is told of it: how far it is, and what happens to it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from fanfold.domain.announce import events_after
from fanfold.domain.event import Event
from fanfold.notebook.progress import OnProgress, Teller
from fanfold.steps.status import Status

OnEvent = Callable[[Event], None]

_TELL_SECONDS = 0.1


@dataclass(slots=True)
class Listeners:
    on_progress: OnProgress | None = None
    on_event: OnEvent | None = None
    #: the number of the last event that was told
    heard: int = 0
    _teller: Teller = field(default_factory=Teller)
    _told_at: float = -math.inf

    def tell(self, status: Status) -> None:
        """Events first: of an end one is told before the last progress."""
        progress = self._teller.see(status)
        if self.on_event is not None:
            for event in events_after(status.batch, self.heard):
                self.heard = event.sequence  # once, also if it raises
                self.on_event(event)
        due = status.batch.ended or monotonic() - self._told_at >= _TELL_SECONDS
        if self.on_progress is not None and due:
            self._told_at = monotonic()
            self.on_progress(progress)
