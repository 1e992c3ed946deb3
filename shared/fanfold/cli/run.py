"""`fanfold run`: create a batch and work on it until it has ended."""

from __future__ import annotations

import typer

from fanfold.cli import parameters as given

EXAMPLE = "fanfold run flows.py:shout records.jsonl --out results.jsonl"


def run(
    context: typer.Context,
    flow: given.FlowName,
    source: given.SourceName = None,
    max_records: given.MaxRecords = None,
    key: given.Key = "id",
    param: given.Param = None,
    params: given.Params = None,
    label: given.Label = None,
    tag: given.Tag = None,
    request_id: given.RequestId = None,
    concurrency: given.Concurrency = None,
    retries: given.Retries = None,
    timeout: given.Timeout = None,
    processes: given.Processes = None,
    threads: given.Threads = 32,
    engine: given.Engine = None,
    out: given.Out = None,
    json: given.ReportAsJson = False,
    strict: given.Strict = False,
    quiet: given.Quiet = False,
) -> int:
    """Run a flow on every record of a source, here and now.

    Shows how far it is; Ctrl-C stops it in good order, and `fanfold attach` goes on. What the
    flow's fold makes of the results is printed.

    With --engine google the functions work that `fanfold up` serves, or that this command brings
    up for itself, emulators included, and stops when it ends.
    """
    from fanfold.cli.creating import created
    from fanfold.cli.drive import Drive, drive
    from fanfold.cli.output_file import check_out
    from fanfold.cli.terminal import Terminal

    check_out(out, as_json=json)
    terminal = Terminal(quiet=quiet)
    with created(
        terminal,
        flow,
        source,
        engine=engine,
        threads=threads,
        params=params,
        param=param or [],
        request_id=request_id,
        max_records=max_records,
        key=key,
        label=label,
        tags=tag or [],
        concurrency=concurrency,
        retries=retries,
        timeout=timeout,
    ) as it:
        how = Drive(processes, threads, out, json, strict, bool(context.obj), engine, it.elsewhere)
        return drive(it.fanfold, terminal, it.batch, how, it.interrupts)
