"""Have a batch worked on, look how far it is, and tell."""

from __future__ import annotations

from threading import Event

from fanfold.domain.batch import Batch
from fanfold.domain.flow import Flow
from fanfold.errors import Conflict
from fanfold.notebook.labor import Labor
from fanfold.notebook.listeners import Listeners
from fanfold.steps.status import Status, status_of
from fanfold.wiring import Fanfold

#: between two looks, from the first to all later ones: small batches are over soon
_FIRST_LOOK, _LOOK_SECONDS = 0.005, 0.1


class BatchHeld(Conflict):
    """Its canary has failed, and the batch is paused: resume it, or cancel it."""


class Stopped(BaseException):
    """Whoever waited for the batch has been canceled, and does not wait any more."""


def watch(
    fanfold: Fanfold,
    batch: Batch,
    flow: Flow | None,
    threads: int,
    listeners: Listeners,
    stop: Event,
) -> Status:
    """Until it has ended. Whatever is raised meanwhile is raised on, after the drain."""
    if batch.ended or flow is None:
        return _look(fanfold, batch, None, listeners, stop)
    labor = Labor(fanfold.settings, batch, flow, threads)
    try:
        labor.start()
        status = _look(fanfold, batch, labor, listeners, stop)
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
    listeners: Listeners,
    stop: Event,
) -> Status:
    pause = _FIRST_LOOK
    while True:
        status = status_of(fanfold.ports, batch.id)
        listeners.tell(status)
        if status.batch.ended:
            return status
        if status.batch.is_held:
            raise BatchHeld(f"{batch.id} is paused: {status.batch.held}")
        if labor is not None:
            labor.check()
        if stop.wait(pause):
            raise Stopped
        pause = min(pause * 1.5, _LOOK_SECONDS)


def _way_on(batch: Batch) -> str:
    if batch.flow.is_in_memory:
        return f"{batch.id} is kept. Go on: resume_batch({batch.id!r}, {batch.flow.name})"
    return f"{batch.id} is kept. Go on: resume_batch({batch.id!r}), or fanfold attach {batch.id}"
