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
    out: given.Out = None,
    json: given.ReportAsJson = False,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> int:
    """Work on a batch until it has ended, as `fanfold run` does.

    For one that was interrupted, or made by `fanfold create`. Other workers may be at it, too.
    """
    from fanfold.cli.drive import Drive, drive
    from fanfold.cli.interrupts import Interrupts
    from fanfold.cli.opening import opened_at
    from fanfold.cli.output_file import check_out
    from fanfold.cli.terminal import Terminal

    check_out(out, as_json=json)
    with opened_at(batch) as (fanfold, found), Interrupts() as interrupts:
        how = Drive(processes, threads, out, json, strict, bool(context.obj))
        return drive(fanfold, Terminal(quiet=quiet), found, how, interrupts)
