"""run_batch: a function, an iterable, and the results.

    records ─▶ checked and copied ─▶ the batch ─▶ worked on here, until it has ended ─▶ Done
                                                        │
    Ctrl-C, or a callback raises: drain ◀───────────────┘ the batch is kept, `resume_batch` goes on

The caller only looks: whatever happens to it, the batch is as it is in the home.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable
from functools import partial
from threading import Event
from typing import Any

from fanfold.domain.flow import Flow
from fanfold.domain.in_flight import threads_worth
from fanfold.domain.options import options_from
from fanfold.errors import FlowInvalid
from fanfold.execution.validation import check_input
from fanfold.folds.stream import text_of
from fanfold.notebook.done import Done, Results
from fanfold.notebook.listeners import Listeners, OnEvent
from fanfold.notebook.order import found_of, opened, settings_for, threads_for
from fanfold.notebook.progress import OnProgress
from fanfold.notebook.watch import Stopped, watch
from fanfold.ports import Ports
from fanfold.settings import Settings
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.pause import resume
from fanfold.steps.status import Status
from fanfold.wiring import open_fanfold

Records = Iterable[Any] | str | os.PathLike[str]


def run_batch(
    flow: Flow | str,
    records: Records | None = None,
    *,
    on_progress: OnProgress | None = None,
    on_event: OnEvent | None = None,
    home: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    request_id: str | None = None,
    **options: Any,
) -> Done:
    """Run the flow on every record, in threads of this process, and wait for the end.

    flow: a function with @flow, wherever it is defined, or a text such as "flows.py:shout".
    records: any iterable, read once, before anything runs; or a source as `fanfold run` takes it;
    default: the flow's own. home: where the batch is kept; default: FANFOLD_HOME, as for the
    command line. threads: how many records at once; default: FANFOLD_THREADS, or more if
    `concurrency` is. request_id: the same one asks for the same batch, which then goes on, or is
    there already. options: any of a batch's, by name: concurrency, rate ("600/min"), max_records,
    retries, timeout, parameters, grid, label …

    on_progress is called in this thread with a Progress, at most ten times a second, and once when
    the batch has ended; on_event with each Event of the batch, in order: started, progress at most
    once a second, the first failure, how it ended. If one of them raises, or at Ctrl-C, nothing new
    begins, what runs is finished, and the exception is raised; a second Ctrl-C does not wait for
    that. The batch is kept: `resume_batch` goes on with it.

    Records that fail raise nothing here: see `Done.raise_for_failures`.
    """
    listeners = Listeners(on_progress, on_event)
    run = partial(_run, flow, records, options, listeners, home, threads, request_id)
    return run(Event())


async def run_batch_async(
    flow: Flow | str,
    records: Records | None = None,
    *,
    on_progress: OnProgress | None = None,
    on_event: OnEvent | None = None,
    home: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    request_id: str | None = None,
    **options: Any,
) -> Done:
    """`run_batch` in a thread of its own, where on_progress and on_event are called, too.
    Canceling it drains as Ctrl-C does; the batch is kept."""
    stop = Event()
    listeners = Listeners(on_progress, on_event)
    run = partial(_run, flow, records, options, listeners, home, threads, request_id, stop)
    work = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([work])
        work.exception()  # it is Stopped, or what came before it: nobody asks any more
        raise


def resume_batch(
    batch_id: str,
    flow: Flow | str | None = None,
    *,
    on_progress: OnProgress | None = None,
    on_event: OnEvent | None = None,
    home: str | os.PathLike[str] | None = None,
    threads: int | None = None,
) -> Done:
    """Go on with a batch that was interrupted, or that its canary has paused; one that has ended is
    only read.

    flow: the same function, or a mended one of the same name. It may be left out where the batch
    knows a file or a module to find it in.
    """
    settings = settings_for(home)
    with open_fanfold(settings) as fanfold:
        batch = fanfold.ports.batches.get(batch_id)
        if flow is None:
            found = fanfold.library.resolve(batch.flow) if not batch.ended else None
        else:
            found = found_of(fanfold.library, flow).flow
            if found.name != batch.flow.name:
                raise FlowInvalid(
                    f"{batch_id} is a batch of flow {batch.flow.name}, not of {found.name}. If it "
                    f"is the same, name it so: @flow(id={batch.flow.name!r})"
                )
        if batch.is_held:
            batch = resume(fanfold.ports, batch_id)
        lanes = threads_for(threads, settings, threads_worth(batch.options))
        status = watch(fanfold, batch, found, lanes, Listeners(on_progress, on_event), Event())
        return _done(settings, fanfold.ports, status)


def _run(
    flow: Flow | str,
    records: Records | None,
    options: dict[str, Any],
    listeners: Listeners,
    home: str | os.PathLike[str] | None,
    threads: int | None,
    request_id: str | None,
    stop: Event,
) -> Done:
    settings = settings_for(home)
    checked = options_from(options)
    lanes = threads_for(threads, settings, threads_worth(checked))
    with open_fanfold(settings) as fanfold:
        found = found_of(fanfold.library, flow)
        source = opened(found, records, checked)
        request = BatchRequest(
            found.ref, checked, source.name, request_id, source_version=source.version
        )

        def check(data: Any) -> None:
            if stop.is_set():
                raise Stopped
            check_input(found.flow, data)

        batch = create_batch(fanfold.ports, request, source.lines, check=check)
        status = watch(fanfold, batch, found.flow, lanes, listeners, stop)
        return _done(settings, fanfold.ports, status)


def _done(settings: Settings, ports: Ports, status: Status) -> Done:
    text = text_of(status.batch.output, ports.blobs)
    output = None if text is None else json.loads(text)
    return Done(status, Results(settings, status.batch), output)
