"""`fanfold attach`: go on with a batch."""

from __future__ import annotations

import typer

from fanfold.cli import parameters as given

EXAMPLE = "fanfold attach last --out results.jsonl"


def attach(
    context: typer.Context,
    batch: given.BatchName,
    processes: given.Processes = None,
    threads: given.Threads = 32,
    engine: given.Engine = None,
    delivery: given.Delivery = None,
    out: given.Out = None,
    json: given.ReportAsJson = False,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> int:
    """Work on a batch until it has ended, as `fanfold run` does.

    For one that was interrupted, or made by `fanfold create`. Other workers may be at it, too.
    Where functions are up, they work, and this watches.
    """
    from contextlib import ExitStack

    from fanfold.cli.drive import Drive, drive
    from fanfold.cli.elsewhere import at_work
    from fanfold.cli.interrupts import Interrupts
    from fanfold.cli.opening import opened_at
    from fanfold.cli.output_file import check_out
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.in_flight import threads_worth
    from fanfold.local.reach import reach

    check_out(out, as_json=json)
    terminal = Terminal(quiet=quiet)
    with (
        opened_at(batch, engine) as (fanfold, found),
        Interrupts() as interrupts,
        ExitStack() as up,
    ):
        elsewhere = None
        if not found.ended:
            fanfold.library.check(found.flow)
            limit = threads_worth(found.options)
            with interrupts.raised():
                _, elsewhere = up.enter_context(
                    at_work(terminal, reach(engine, delivery), processes, threads, limit)
                )
        how = Drive(processes, threads, out, json, strict, bool(context.obj), engine, elsewhere)
        return drive(fanfold, terminal, found, how, interrupts)
