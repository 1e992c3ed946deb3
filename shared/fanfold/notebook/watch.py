"""Have a batch worked on, look how far it is, and tell."""

from __future__ import annotations

import math
from threading import Event
from time import monotonic

from fanfold.domain.batch import Batch
from fanfold.domain.flow import Flow
from fanfold.notebook.labor import Labor
from fanfold.notebook.progress import OnProgress, Teller
from fanfold.steps.status import Status, status_of
from fanfold.wiring import Fanfold

#: between two looks, from the first to all later ones: small batches are over soon
_FIRST_LOOK, _LOOK_SECONDS = 0.005, 0.1
_TELL_SECONDS = 0.1


class Stopped(BaseException):
    """Whoever waited for the batch has been canceled, and does not wait any more."""


def watch(
    fanfold: Fanfold,
    batch: Batch,
    flow: Flow | None,
    threads: int,
    on_progress: OnProgress | None,
    stop: Event,
) -> Status:
    """Until it has ended. Whatever is raised meanwhile is raised on, after the drain."""
    if batch.ended or flow is None:
        return _look(fanfold, batch, None, on_progress, stop)
    labor = Labor(fanfold.settings, batch, flow, threads)
    try:
        labor.start()
        status = _look(fanfold, batch, labor, on_progress, stop)
    except BaseException as error:
        error.add_note(_way_on(batch))
        labor.stop()
        labor.wait()
        raise
    labor.stop()
    labor.wait()
    return status


def _look(
    fanfold: Fanfold,
    batch: Batch,
    labor: Labor | None,
    on_progress: OnProgress | None,
    stop: Event,
) -> Status:
    teller, pause, told_at = Teller(), _FIRST_LOOK, -math.inf
    while True:
        status = status_of(fanfold.ports, batch.id)
        progress = teller.see(status)
        due = status.batch.ended or monotonic() - told_at >= _TELL_SECONDS
        if on_progress is not None and due:
            told_at = monotonic()
            on_progress(progress)
        if status.batch.ended:
            return status
        if labor is not None:
            labor.check()
        if stop.wait(pause):
            raise Stopped
        pause = min(pause * 1.5, _LOOK_SECONDS)


def _way_on(batch: Batch) -> str:
    if batch.flow.is_in_memory:
        return f"{batch.id} is kept. Go on: resume_batch({batch.id!r}, {batch.flow.name})"
    return f"{batch.id} is kept. Go on: resume_batch({batch.id!r}), or fanfold attach {batch.id}"
