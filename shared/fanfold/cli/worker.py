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
    from fanfold.cli.terminal import Terminal

    terminal = Terminal()
    verbose = bool(context.obj)
    settings = laboring.settings_for(engine)
    if processes > 1:
        return laboring.several(
            terminal, settings, processes, threads, until_idle=until_idle, verbose=verbose
        )
    return laboring.alone(terminal, settings, threads, until_idle=until_idle, tethered=tethered)
