"""`fanfold run`: create a batch and work on it until it has ended."""

from __future__ import annotations

import typer

from fanfold.cli import parameters as given
from fanfold.cli.wanted import Wanted, taking_wanted

EXAMPLE = "fanfold run flows.py:shout records.jsonl --out results.jsonl"


@taking_wanted
def run(
    context: typer.Context,
    wanted: Wanted,
    processes: given.Processes = None,
    threads: given.Threads = 32,
    engine: given.Engine = None,
    delivery: given.Delivery = None,
    out: given.Out = None,
    json: given.ReportAsJson = False,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> int:
    """Run a flow on every record of a source, here and now.

    Shows how far it is; Ctrl-C stops it in good order, and `fanfold attach` goes on. What the
    flow's fold makes of the results is printed.

    With --engine google the functions or workers of `fanfold up` work, or those that this command
    brings up for itself, emulators included, and stops when it ends.
    """
    from fanfold.cli.checking import check
    from fanfold.cli.creating import created
    from fanfold.cli.drive import Drive, drive
    from fanfold.cli.output_file import check_out
    from fanfold.cli.terminal import Terminal

    terminal = Terminal(quiet=quiet)
    if wanted.check:
        return check(terminal, wanted, engine=engine, json=json)
    check_out(out, as_json=json)
    with created(
        terminal, wanted, engine=engine, delivery=delivery, processes=processes, threads=threads
    ) as it:
        how = Drive(processes, threads, out, json, strict, bool(context.obj), engine, it.elsewhere)
        return drive(it.fanfold, terminal, it.batch, how, it.interrupts)
