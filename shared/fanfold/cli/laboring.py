"""Being a worker process, or the parent of several."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from threading import Thread
from types import FrameType
from typing import TYPE_CHECKING

from fanfold.cli import exits
from fanfold.cli.bounding import arguments_of
from fanfold.cli.interrupts import Interrupts
from fanfold.cli.numbers import count, duration
from fanfold.cli.terminal import Terminal, close_quietly
from fanfold.cli.whole_lines import WholeLines
from fanfold.cli.workers import WorkersDied, worker_command
from fanfold.errors import Conflict
from fanfold.local.reach import reach
from fanfold.local.topics import ensure_topics
from fanfold.settings import Settings
from fanfold.wiring import open_fanfold
from fanfold.worker.bounds import Bounds
from fanfold.worker.gauges import SystemGauges
from fanfold.worker.pressure import limits_of
from fanfold.worker.supervisor import READY, Supervisor

if TYPE_CHECKING:
    from fanfold.worker.worker import Worker

_NEW_OBJECTS = 10_000
_LOOK_SECONDS = 0.1
_INPUT = 0
_OUTPUTS = (1, 2)


def settings_for(engine: str | None) -> Settings:
    """Of an engine where a worker that pulls is of use."""
    reached = reach(engine)
    if reached.standing is not None and not reached.standing.pulls:
        raise Conflict(
            f"the functions that process {reached.standing.pid} has up work on everything there; "
            "messages that are pushed to them cannot be pulled. Watch: fanfold attach last "
            "--engine google"
        )
    reached.check()
    if reached.can_be_brought_up:
        ensure_topics(reached.settings)
    return reached.settings


def alone(
    terminal: Terminal,
    settings: Settings,
    threads: int,
    bounds: Bounds,
    *,
    until_idle: bool,
    tethered: bool,
) -> int:
    with open_fanfold(settings) as fanfold:
        worker = fanfold.worker(threads, bounds)
        _stop_when_told(worker, terminal if not tethered else None, _finishing(bounds))
        if tethered:
            _tether(worker)
        else:
            _greet(terminal, settings, count(threads, "thread"))
        _collect_less()
        worker.run(until_idle=until_idle)
    if worker.left_behind:
        _end_now()
    return exits.OK


def _end_now() -> None:
    """All is given back. An orderly end of the interpreter would wait for threads that a flow which
    does not end may have started."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exits.OK)


def _finishing(bounds: Bounds) -> str:
    most = "" if bounds.grace is None else f", for {duration(bounds.grace)} at most"
    return f"fanfold: finishing what runs{most}; Ctrl-C again ends now"


def _collect_less() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again and again. And
    it looks for circles after so many new objects as some hundred records make, not twenty."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)


def several(
    terminal: Terminal,
    settings: Settings,
    processes: int,
    threads: int,
    bounds: Bounds,
    *,
    until_idle: bool,
    verbose: bool,
) -> int:
    limits_of(bounds, SystemGauges())  # before each child says, again and again, that it cannot
    extra = [*arguments_of(bounds), *(["--until-idle"] if until_idle else [])]
    command = worker_command(threads, *extra, verbose=verbose)
    supervisor = Supervisor(command, processes, env=settings.environment())
    _greet(terminal, settings, f"{processes} processes of {count(threads, 'thread')}")
    with Interrupts() as interrupts:
        supervisor.start()
        while not interrupts.count and supervisor.tend():
            time.sleep(_LOOK_SECONDS)
        if supervisor.gave_up:
            raise WorkersDied
        if interrupts.count:
            terminal.say(_finishing(bounds))
        supervisor.drain()
        while not supervisor.wait(_LOOK_SECONDS):
            if interrupts.count > 1:
                supervisor.kill()
        return exits.INTERRUPTED if interrupts.count > 1 else exits.OK


def _greet(terminal: Terminal, settings: Settings, what: str) -> None:
    place = str(settings.home.expanduser().absolute())
    if settings.engine == "google":
        place = f"{settings.prefix}fanfold in project {settings.project}"
    terminal.say(f"fanfold: {what} at work for {place}; Ctrl-C ends in good order")


def _stop_when_told(worker: Worker, terminal: Terminal | None, finishing: str) -> None:
    """The first signal drains. The second ends the process: what it held is run again."""
    told = False

    def receive(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        if told:
            os._exit(exits.INTERRUPTED)
        told = True
        if terminal is not None:
            terminal.say(finishing)
        worker.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, receive)


def _tether(worker: Worker) -> None:
    """Tell the parent that work begins, and drain when it is gone. The tether is standard input,
    which a flow must neither read nor wait for."""
    tether = os.dup(_INPUT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _INPUT)
    os.close(nothing)
    sys.stdout = WholeLines(sys.stdout)
    sys.stderr = WholeLines(sys.stderr)

    def watch() -> None:
        try:
            os.write(tether, READY)
            while os.read(tether, 1):
                pass
        except OSError:
            pass
        worker.stop()
        # Nobody hears us any more: a flow's print must not fail for that.
        for handle in _OUTPUTS:
            close_quietly(handle)

    Thread(target=watch, name="fanfold-tether", daemon=True).start()
