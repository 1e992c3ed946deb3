"""`fanfold bench`: how fast a batch goes through here, beside the bare store."""

from __future__ import annotations

from typing import Annotated

import typer

from fanfold.cli import parameters as given

EXAMPLE = "fanfold bench --records 200000 --json"


def bench(
    records: Annotated[
        int, typer.Option(metavar="N", min=1, help="So many records, of a flow that does nothing.")
    ] = 20_000,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Worker processes. Default: one for each processor, at most 4.",
            show_default=False,
        ),
    ] = None,
    threads: given.Threads = 32,
    bare: Annotated[
        bool, typer.Option("--bare/--no-bare", help="Also measure the bare store, to compare.")
    ] = True,
    engine: given.Engine = None,
    json: given.AsJson = False,
    quiet: given.Quiet = False,
) -> int:
    """Measure how fast records go through fan-out, run, settle, completion and fold.

    In a home of its own, which is removed. Beside it the bare store: the same records through the
    same SQLite with nothing that could be lost, repeated or asked. The share of it travels between
    machines; seconds do not.
    """
    import tempfile
    from pathlib import Path

    from fanfold.bench.bare import bare_seconds
    from fanfold.bench.embedded import measure
    from fanfold.cli import exits
    from fanfold.cli.display import display_for
    from fanfold.cli.terminal import Terminal
    from fanfold.cli.workers import default_processes, worker_command
    from fanfold.errors import OptionInvalid
    from fanfold.settings import Settings

    if engine is given.EngineName.GOOGLE:
        raise OptionInvalid(
            "--engine google: not measured by this command yet. "
            "benchmarks/operations.py counts its operations"
        )
    terminal = Terminal(quiet=quiet)
    processes = workers or default_processes()
    with tempfile.TemporaryDirectory(prefix="fanfold-bench-") as folder:
        ours = {"engine": "embedded", "home": Path(folder)}
        settings = Settings.from_env().model_copy(update=ours)
        with display_for(terminal) as display:
            measured = measure(settings, worker_command(threads), records, processes, display.show)
    floor = None
    if bare:
        with terminal.busy("measuring the bare store"):
            floor = records / bare_seconds(records, processes)
    speed = records / measured.seconds
    if json:
        terminal.json(
            {
                "engine": "embedded",
                "records": records,
                "workers": processes,
                "seconds": round(measured.seconds, 3),
                "records_per_second": round(speed),
                "bare_records_per_second": None if floor is None else round(floor),
                "completion_lag_seconds": round(measured.completion_lag_seconds, 3),
                "peak_rss_mib": round(measured.peak_rss_mib, 1),
                # a file has no operations to pay for
                "writes_per_record": None,
                "reads_per_record": None,
                "publishes_per_record": None,
            }
        )
        return exits.OK
    share = "" if floor is None else f", {speed / floor:.0%} of the bare store's {floor:,.0f}"
    terminal.data(f"{speed:,.0f} records/s{share}")
    terminal.data(
        f"{records:,} records in {measured.seconds:.2f} s by {processes} worker processes; "
        f"closed {measured.completion_lag_seconds:.2f} s after the last; "
        f"{measured.peak_rss_mib:.0f} MiB at most in a process"
    )
    return exits.OK
