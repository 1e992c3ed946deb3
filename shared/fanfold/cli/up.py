"""`fanfold up`: the google engine on this machine, for as long as it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.table import Table

    from fanfold.cli.terminal import Terminal
    from fanfold.local.crew import Part
    from fanfold.local.pullers import Pulling
    from fanfold.local.standing import Standing
    from fanfold.settings import Settings

EXAMPLE = "fanfold up --engine google"

_LOOK_SECONDS = 0.1


def up(
    engine: Annotated[
        given.EngineName,
        typer.Option(
            "--engine",
            help="google: emulators, and functions or workers. embedded: the API and workers.",
        ),
    ] = given.EngineName.GOOGLE,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="BASE",
            min=1,
            help="Use the ports from this one on; with embedded, this one. Default: any that are "
            "free.",
            show_default=False,
        ),
    ] = None,
    delivery: Annotated[
        given.DeliveryName | None,
        typer.Option(
            "--delivery",
            help="push: to the six functions, as deployed; pull: by worker processes. Default: "
            "FANFOLD_DELIVERY, or push.",
            show_default=False,
        ),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="With --delivery pull, and with embedded: worker processes. Default: one for each "
            "processor, at most 4.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=1000,
            help="Records at once, in each process. Default: FANFOLD_THREADS, or 32.",
            show_default=False,
        ),
    ] = None,
    env: Annotated[
        bool, typer.Option("--env", help="Only print the environment of what is up already.")
    ] = False,
    json: given.AsJson = False,
) -> int:
    """Serve an engine on this machine, until told to stop.

    With --engine embedded it serves the HTTP API, on this machine's loopback, with workers beside
    it. With google it starts the official emulators, or uses those that FIRESTORE_EMULATOR_HOST and
    PUBSUB_EMULATOR_HOST name, and serves the functions as the cloud would, or, with --delivery
    pull, runs workers as `fanfold worker` does. Ctrl-C stops what was started; what emulators of
    its own held is gone then.

    Other commands find it by --engine google. Other programs need its environment, which is
    printed: eval "$(fanfold up --env)" sets it in another terminal.

    A flow's code is loaded once: when it has changed, stop this and start it again.
    """
    from fanfold.cli import exits
    from fanfold.cli.elsewhere import pulling_of
    from fanfold.cli.terminal import Terminal
    from fanfold.errors import OptionInvalid
    from fanfold.local.reach import NothingUp
    from fanfold.local.standing import standing_at
    from fanfold.settings import Settings

    terminal = Terminal()
    settings = Settings.from_env()
    if engine is given.EngineName.EMBEDDED:
        if env or delivery is not None:
            raise OptionInvalid("--env and --delivery are for the google engine")
        return _serve_embedded(terminal, settings, port, processes, threads, as_json=json)
    if env:
        standing = standing_at(settings.home)
        if standing is None:
            raise NothingUp
        _print(terminal, standing, as_json=json)
        return exits.OK
    if threads is not None:
        settings = settings.model_copy(update={"threads": threads})
    if delivery is not None:
        settings = settings.model_copy(update={"delivery": str(delivery)})
    pulling = pulling_of(settings, processes, settings.threads)
    if processes is not None and pulling is None:
        raise OptionInvalid("--processes: functions are one process each; add --delivery pull")
    return _serve(terminal, settings, port, pulling, as_json=json)


def _serve_embedded(
    terminal: Terminal,
    settings: Settings,
    port: int | None,
    processes: int | None,
    threads: int | None,
    *,
    as_json: bool,
) -> int:
    from fanfold.cli.serving import serve_embedded
    from fanfold.cli.workers import default_processes
    from fanfold.settings import NOBODY_IS_ASKED

    # on a desk nobody is asked who they are, unless that is wanted
    changes = {
        "engine": "embedded",
        "threads": threads or settings.threads,
        "auth": settings.auth or NOBODY_IS_ASKED,
    }
    settings = settings.model_copy(update=changes)
    processes = processes or default_processes()
    return serve_embedded(terminal, settings, port, processes, as_json=as_json)


def _serve(
    terminal: Terminal,
    settings: Settings,
    port: int | None,
    pulling: Pulling | None,
    *,
    as_json: bool,
) -> int:
    from contextlib import ExitStack

    from fanfold.cli import exits
    from fanfold.cli.interrupts import Interrupts
    from fanfold.local.up import brought_up

    def say(line: str) -> None:
        terminal.say(f"fanfold: {line}")

    with Interrupts() as interrupts, ExitStack() as held:
        try:
            with interrupts.raised():
                it = held.enter_context(
                    brought_up(settings, base_port=port, pulling=pulling, say=say)
                )
        except KeyboardInterrupt:
            say("interrupted; what was started is stopped")
            return exits.INTERRUPTED
        terminal.say(_table(it.parts()))
        say(f"up, with logs in {it.standing.logs}; Ctrl-C stops it")
        _print(terminal, it.standing, as_json=as_json, parts=it.parts())
        while not interrupts.count:
            it.tend()
            time.sleep(_LOOK_SECONDS)
        say("stopping")
    return exits.OK


def _print(
    terminal: Terminal, standing: Standing, *, as_json: bool, parts: Sequence[Part] = ()
) -> None:
    from dataclasses import asdict
    from shlex import quote

    exports = standing.exports()
    if as_json:
        also = {"parts": [asdict(part) for part in parts]} if parts else {}
        terminal.json({**asdict(standing), "environment": exports, **also})
        return
    terminal.data("\n".join(f"export {name}={quote(it)}" for name, it in exports.items()))


def _table(parts: Sequence[Part]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("WHAT", no_wrap=True)
    table.add_column("WHERE", no_wrap=True)
    table.add_column("PROCESS", justify="right", no_wrap=True)
    for part in parts:
        kind = " emulator" if part.name in ("firestore", "pubsub") else ""
        process = "not ours" if part.pid is None else str(part.pid)
        table.add_row(part.name + kind, part.host, process)
    return table
