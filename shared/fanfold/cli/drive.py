"""Work on a batch until it has ended, or the user has had enough: what `run` and `attach` share.

    start workers ─▶ look, show, tend ──ended──▶ drain ─▶ report
                        │  ▲   │
                        │  └───┘ ten times a second
                        ├─ Ctrl-C ───▶ drain: what runs is finished, the rest waits for `attach`
                        └─ once more ▶ kill: what ran is run again by whoever goes on

This process only looks. Should it die, the workers notice and drain; nothing here is the only copy
of anything. Where functions work, it looks, too, and that is all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fanfold.cli import exits
from fanfold.cli.display import Display, display_for
from fanfold.cli.elsewhere import Elsewhere
from fanfold.cli.held import tell_held
from fanfold.cli.interrupts import Interrupts
from fanfold.cli.log_lines import show_log
from fanfold.cli.numbers import count
from fanfold.cli.output_file import STANDARD_OUTPUT, write_results
from fanfold.cli.parameters import EngineName, flag_of
from fanfold.cli.report import ending_as_json, output_of, summary
from fanfold.cli.terminal import Terminal
from fanfold.cli.watching import watch
from fanfold.cli.workers import Workers, WorkersDied, default_processes, threads_for
from fanfold.domain.in_flight import threads_worth
from fanfold.folds.stream import stream_results
from fanfold.steps.status import status_of

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from fanfold.steps.status import Status
    from fanfold.wiring import Fanfold

_LOOK_SECONDS = 0.1
#: for flows of a stopped batch to end by themselves
_DEAF_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Drive:
    """How to work on a batch, and how to tell of it."""

    processes: int | None
    threads: int
    out: str | None
    as_json: bool
    strict: bool
    verbose: bool
    engine: EngineName | None = None
    #: who works, if not processes of ours
    elsewhere: Elsewhere | None = None

    def suggest(self, command: str, batch_id: str) -> str:
        return f"fanfold {command} {batch_id}{flag_of(self.engine)}"


def drive(
    fanfold: Fanfold, terminal: Terminal, batch: Batch, how: Drive, interrupts: Interrupts
) -> int:
    """The exit code."""
    if not batch.ended:
        if how.elsewhere is not None:
            if how.processes is not None and not how.elsewhere.takes_processes:
                them = how.elsewhere.who
                terminal.say(f"fanfold: --processes is of no use here: {them} do the work")
            watch(fanfold, terminal, batch, how.elsewhere, interrupts, verbose=how.verbose)
        else:
            _work(fanfold, terminal, batch, how, interrupts)
    status = status_of(fanfold.ports, batch.id)
    if status.batch.ended:
        _report(fanfold, terminal, status, how, interrupts)
    elif status.batch.is_held and not interrupts.count:
        tell_held(terminal, status, how.suggest)
        if how.as_json:
            terminal.json(ending_as_json(status, None))
    else:
        more = "" if status.batch.sealed else "+"
        done = f"{status.counts.settled:,} of {status.counts.total:,}{more} records are done"
        attach = how.suggest("attach", batch.id)
        on = f"Go on: {attach}" if how.elsewhere is None else how.elsewhere.farewell(attach)
        terminal.warn(f"fanfold: stopped; {done}. {on}")
        if how.as_json:
            terminal.json(ending_as_json(status, None))
    if interrupts.count:
        return exits.INTERRUPTED
    return exits.code_of(status, strict=how.strict)


def _work(
    fanfold: Fanfold, terminal: Terminal, batch: Batch, how: Drive, interrupts: Interrupts
) -> None:
    processes = how.processes or default_processes()
    threads = threads_for(how.threads, processes, threads_worth(batch.options))
    terminal.say(
        f"fanfold: {batch.id} of {batch.flow.shown}, "
        f"{count(processes, 'process', 'processes')} of {count(threads, 'thread')}"
    )
    with display_for(terminal) as display:
        show_log(display.say, verbose=how.verbose)
        workers = Workers(fanfold.settings, processes, threads, display.say, verbose=how.verbose)
        with workers:
            _watch(fanfold, batch, workers, display, interrupts)
            _drain(fanfold, batch, workers, display, interrupts)
    show_log(terminal.warn, verbose=how.verbose)


def _watch(
    fanfold: Fanfold, batch: Batch, workers: Workers, display: Display, interrupts: Interrupts
) -> None:
    """Until it has ended, or somebody interrupts."""
    while not interrupts.count:
        status = status_of(fanfold.ports, batch.id)
        display.show(status)
        if status.batch.rests:
            return
        if not workers.supervisor.tend():
            why = "keep dying before they work" if workers.supervisor.gave_up else "have ended"
            raise WorkersDied(
                f"the worker processes {why}; the lines above say why. The batch is kept: when it "
                f"is mended, go on with `fanfold attach {batch.id}`"
            )
        time.sleep(_LOOK_SECONDS)
    running = status_of(fanfold.ports, batch.id).counts.running
    display.say(f"fanfold: finishing {count(running, 'running run')}; Ctrl-C again stops now")
    display.say(f"fanfold: to go on later: fanfold attach {batch.id}")


def _drain(
    fanfold: Fanfold, batch: Batch, workers: Workers, display: Display, interrupts: Interrupts
) -> None:
    """What runs is finished; but a batch that was stopped takes no results any more, and a flow
    that does not listen when it is told so is not waited for."""
    patience = 1 if interrupts.count else 0
    stopped_at = time.monotonic()
    workers.supervisor.drain()
    while not workers.supervisor.wait(_LOOK_SECONDS):
        status = status_of(fanfold.ports, batch.id)
        display.show(status)
        is_deaf = time.monotonic() - stopped_at > _DEAF_SECONDS and _is_stopped(status.batch)
        if interrupts.count > patience or is_deaf:
            workers.supervisor.kill()


def _is_stopped(batch: Batch) -> bool:
    return batch.ended and batch.ending is not None


def _report(
    fanfold: Fanfold, terminal: Terminal, status: Status, how: Drive, interrupts: Interrupts
) -> None:
    batch = status.batch
    output = output_of(fanfold.ports, batch)
    for line in summary(status, terminal.console.width):
        terminal.say(line)
    if how.out is not None:
        ports = fanfold.ports
        results = stream_results(ports.runs, ports.batches, ports.blobs, batch)
        with interrupts.raised() if not interrupts.count else nullcontext():
            written = write_results(terminal, how.out, results, batch=batch)
        if how.out != STANDARD_OUTPUT:
            terminal.say(f"  results: {how.out} ({count(written, 'line')})")
    for line in _where_to_look(status, how):
        terminal.say(line)
    if how.as_json:
        terminal.json(ending_as_json(status, output))
    elif batch.output is not None and how.out != STANDARD_OUTPUT:  # one stream, one kind of data
        terminal.json(output, indent=2)


def _where_to_look(status: Status, how: Drive) -> Iterator[str]:
    batch = status.batch
    if how.elsewhere is not None and not how.elsewhere.keeps:
        if how.out is None:
            yield "  results: gone with this command's emulators; --out FILE writes them"
        return
    if how.out is None and status.counts.total:
        yield f"  results: {how.suggest('results', batch.id)}"
    if status.tally.errors:
        yield f"  errors:  {how.suggest('errors', batch.id)}"
    if how.out == STANDARD_OUTPUT and batch.output is not None and not how.as_json:
        yield f"  output:  {how.suggest('status', batch.id)}"
