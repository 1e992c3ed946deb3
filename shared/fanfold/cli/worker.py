"""`fanfold worker`: work on whatever batches there are."""

from __future__ import annotations

from typing import Annotated

import typer

from fanfold.cli import parameters as given

EXAMPLE = "fanfold worker --processes 4 --until-idle"


def worker(
    context: typer.Context,
    processes: Annotated[
        int, typer.Option(metavar="N", min=1, help="Worker processes, restarted if they die.")
    ] = 1,
    threads: Annotated[
        int, typer.Option(metavar="N", min=1, help="Records at once in each process.")
    ] = 32,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when no batch is open.")
    ] = False,
    max_messages: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Records that a process holds unfinished, at most."),
    ] = 5000,
    max_bytes: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            help="Bytes of messages that a process holds unfinished; at SIZE it takes no more.",
        ),
    ] = "256MiB",
    max_memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE|PERCENT",
            help="Take no more while a process has more memory than SIZE, or the machine or "
            "container uses more than PERCENT of its own.",
            show_default=False,
        ),
    ] = None,
    max_load: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Take no more while the machine's one-minute load average is above NUMBER.",
            show_default=False,
        ),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS",
            help="Once told to stop, give back what still runs after this long, such as 30s or 2m. "
            "Default: wait until it is finished; with the google engine, 8s.",
            show_default=False,
        ),
    ] = None,
    engine: given.Engine = None,
    tethered: Annotated[
        bool, typer.Option("--tethered", help="Drain when standard input ends.", hidden=True)
    ] = False,
) -> int:
    """Work on every batch in this home, until told to stop.

    Ctrl-C finishes what is running and ends; once more ends at once, and what was running is run
    again. Any number of workers may share a home.
    """
    from fanfold.cli import laboring
    from fanfold.cli.bounding import bounds_of
    from fanfold.cli.terminal import Terminal

    terminal = Terminal()
    verbose = bool(context.obj)
    bounds = bounds_of(max_messages, max_bytes, max_memory, max_load, grace)
    settings = laboring.settings_for(engine)
    if settings.log == "json":
        from fanfold.jsonlog import log_json

        log_json(settings.project)
    if processes > 1:
        return laboring.several(
            terminal, settings, processes, threads, bounds, until_idle=until_idle, verbose=verbose
        )
    return laboring.alone(
        terminal, settings, threads, bounds, until_idle=until_idle, tethered=tethered
    )
