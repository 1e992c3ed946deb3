"""`fanfold bench`: how fast a batch goes through here, beside the bare store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from fanfold.bench.batch import Measured
    from fanfold.cli.terminal import Terminal
    from fanfold.settings import Settings

EXAMPLE = "fanfold bench --records 200000 --json"
#: a file has none to pay for
_OPERATIONS = (
    "writes_per_record",
    "reads_per_record",
    "publishes_per_record",
    "results_read_per_record",
)


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
        bool,
        typer.Option(
            "--bare/--no-bare", help="Also measure what does the same with no logic, to compare."
        ),
    ] = True,
    engine: given.Engine = None,
    delivery: Annotated[
        given.DeliveryName | None,
        typer.Option(
            help="Of the google engine: pull by worker processes, or push to the six functions. "
            "Default: FANFOLD_DELIVERY, or push.",
            show_default=False,
        ),
    ] = None,
    json: given.AsJson = False,
    quiet: given.Quiet = False,
) -> int:
    """Measure how fast records go through fan-out, run, settle, completion and fold.

    In a home of its own, which is removed; the google engine on emulators of its own. Beside it
    what does the same with nothing that could be lost, repeated or asked: for the embedded engine
    the same records through the same SQLite, for workers that pull through the same Pub/Sub and
    Firestore, for functions that are pushed to a function that does nothing. The share of it
    travels between machines; seconds do not.
    """
    import tempfile
    from pathlib import Path

    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal
    from fanfold.cli.workers import default_processes
    from fanfold.errors import OptionInvalid
    from fanfold.settings import Settings

    terminal = Terminal(quiet=quiet)
    settings = Settings.from_env()
    settings = settings.model_copy(update={"engine": str(engine or settings.engine)})
    is_google = settings.engine == "google"
    if delivery is not None and not is_google:
        raise OptionInvalid("--delivery is of the google engine: add --engine google")
    settings = settings.model_copy(update={"delivery": str(delivery or settings.delivery)})
    if workers is not None and is_google and settings.delivery == "push":
        raise OptionInvalid("--workers: each function is one process; or --delivery pull")
    processes = workers or default_processes()
    with tempfile.TemporaryDirectory(prefix="fanfold-bench-") as folder:
        settings = settings.model_copy(update={"home": Path(folder), "threads": threads})
        if is_google:
            found = _google(terminal, settings, records, processes, bare=bare)
        else:
            found = _embedded(terminal, settings, records, processes, bare=bare)
    if json:
        terminal.json(found)
    else:
        _tell(terminal, found)
    return exits.OK


def _embedded(
    terminal: Terminal, settings: Settings, records: int, processes: int, *, bare: bool
) -> dict[str, Any]:
    from fanfold.bench.bare import bare_seconds
    from fanfold.bench.embedded import measure
    from fanfold.cli.display import display_for
    from fanfold.cli.workers import worker_command

    command = worker_command(settings.threads)
    with display_for(terminal) as display:
        measured = measure(settings, command, records, processes, display.show)
    floor = None
    if bare:
        with terminal.busy("measuring the bare store"):
            floor = bare_seconds(records, processes)
    about = {"engine": "embedded", "delivery": None, "records": records, "workers": processes}
    return about | _speeds(records, measured, floor) | dict.fromkeys(_OPERATIONS)


def _google(
    terminal: Terminal, settings: Settings, records: int, processes: int, *, bare: bool
) -> dict[str, Any]:
    from fanfold.bench.google import measure, pulled_bare, pushed_bare
    from fanfold.cli.display import display_for
    from fanfold.cli.elsewhere import pulling_of

    # emulators of its own, whatever is up
    own = {
        "firestore_emulator_host": "",
        "pubsub_emulator_host": "",
        "project": "fanfold-local",
        "prefix": "",
        "bucket": "",
    }
    settings = settings.model_copy(update=own)
    pulling = pulling_of(settings, processes, settings.threads)
    floor = pulled_bare(processes) if pulling else pushed_bare
    with display_for(terminal) as display:
        it = measure(
            settings,
            pulling,
            records,
            bare=floor if bare else None,
            on_look=display.show,
            say=lambda line: display.say(f"fanfold: {line}"),
        )
    about = {
        "engine": "google",
        "delivery": settings.delivery,
        "records": records,
        "workers": processes if pulling else 1,
    }
    counted = it.operations
    per_record = (counted.writes, counted.reads, counted.publishes, counted.results_read)
    operations = {
        name: round(number, 4) for name, number in zip(_OPERATIONS, per_record, strict=True)
    }
    return about | _speeds(records, it.measured, it.bare_seconds) | operations


def _speeds(records: int, measured: Measured, bare_seconds: float | None) -> dict[str, Any]:
    return {
        "seconds": round(measured.seconds, 3),
        "records_per_second": round(records / measured.seconds),
        "bare_records_per_second": None if bare_seconds is None else round(records / bare_seconds),
        "share_of_bare": None
        if bare_seconds is None
        else round(bare_seconds / measured.seconds, 3),
        "completion_lag_seconds": round(measured.completion_lag_seconds, 3),
        "peak_rss_mib": round(measured.peak_rss_mib, 1),
        "results_per_commit": round(measured.results_per_commit, 1),
    }


def _tell(terminal: Terminal, found: dict[str, Any]) -> None:
    share = ""
    if found["bare_records_per_second"] is not None:
        what = {
            None: "the bare store's",
            "pull": "the bare services'",
            "push": "an empty function's",
        }
        share = (
            f", {found['share_of_bare']:.0%} of {what[found['delivery']]} "
            f"{found['bare_records_per_second']:,}"
        )
    terminal.data(f"{found['records_per_second']:,} records/s{share}")
    who = f"{found['workers']} worker processes"
    if found["delivery"] == "push":
        who = "the six functions, a process each"
    terminal.data(
        f"{found['records']:,} records in {found['seconds']:.2f} s by {who}; "
        f"closed {found['completion_lag_seconds']:.2f} s after the last; "
        f"{found['peak_rss_mib']:.0f} MiB at most in a process"
    )
    if found["writes_per_record"] is not None:
        terminal.data(
            f"per record: {found['writes_per_record']:.3f} document writes, "
            f"{found['reads_per_record']:.3f} reads and {found['results_read_per_record']:.3f} of "
            f"its result by the fold, {found['publishes_per_record']:.4f} publish requests"
        )
