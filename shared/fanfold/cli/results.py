"""`fanfold results`: every record's result, in record order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import parameters as given
from fanfold.cli.completion import complete_result_status

if TYPE_CHECKING:
    from fanfold.cli.output_file import Shape
    from fanfold.cli.terminal import Terminal
    from fanfold.domain.run import RunState
    from fanfold.folds.result import Result

EXAMPLE = "fanfold results last --status failed | jq -r .error.message"

_FORMAT = "Format"


def results(
    batch: given.BatchName,
    out: Annotated[
        str,
        typer.Option(
            metavar="WHERE",
            help="A file, written whole or not at all; a folder with a / at its end, for many "
            "files and a manifest; a URL of either, such as gs://bucket/results/; - is standard "
            "output.",
        ),
    ] = "-",
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS,…",
            help="Only those that succeeded, failed, canceled, skipped or queued.",
            autocompletion=complete_result_status,
            show_default=False,
        ),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Write them as they come, until the batch has ended."),
    ] = False,
    format: Annotated[  # noqa: A002  it is what one types
        str | None,
        typer.Option(
            metavar="jsonl|csv|parquet",
            help="JSON Lines, CSV or Parquet. Default: by the file's name, or JSON Lines.",
            rich_help_panel=_FORMAT,
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[=PLACE],…",
            help="In CSV and Parquet: fields of the output as columns of their own, such as "
            "label,score=details.score.",
            rich_help_panel=_FORMAT,
            show_default=False,
        ),
    ] = None,
    gzip: Annotated[
        bool,
        typer.Option("--gzip", help="Compress. A .gz file is anyway.", rich_help_panel=_FORMAT),
    ] = False,
    shard_records: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="In each file of a folder. Default: 100,000.",
            rich_help_panel=_FORMAT,
            show_default=False,
        ),
    ] = None,
    engine: given.Engine = None,
) -> int:
    """Write the results as JSON Lines, CSV or Parquet, in record order.

    Each record has its line: {"index", "key", "status", "output", "error"}. One that failed has an
    error instead of an output, and one that is not settled yet is queued.
    """
    from fanfold.cli import exits
    from fanfold.cli.following import follow_into
    from fanfold.cli.numbers import count
    from fanfold.cli.opening import opened_at
    from fanfold.cli.output_file import STANDARD_OUTPUT, check_out, write_results
    from fanfold.cli.terminal import Terminal
    from fanfold.folds.stream import stream_results

    shape = _shape(out, format, columns, shard_records, gzip=gzip, follow=follow)
    check_out(out, as_json=False)
    states = None if status is None else _states(status)

    def is_asked_for(result: Result) -> bool:
        return states is None or result.status in states

    terminal = Terminal()
    with opened_at(batch, engine) as (fanfold, found):
        if follow:
            return follow_into(fanfold, terminal, found, out, shape, is_asked_for)
        ports = fanfold.ports
        every = stream_results(ports.runs, ports.batches, ports.blobs, found)
        if not found.ended:
            terminal.say(f"{found.id} is {found.state}: these are its results so far")
        with _writing(terminal, out) as on_progress:
            written = write_results(
                terminal, out, filter(is_asked_for, every), on_progress, shape=shape,
                batch=found,
            )  # fmt: skip
        if out != STANDARD_OUTPUT:
            terminal.say(f"{out}: {count(written, 'result')}")
    return exits.OK


def _shape(
    out: str,
    format_: str | None,
    columns: str | None,
    shard_records: int | None,
    *,
    gzip: bool,
    follow: bool,
) -> Shape:
    from fanfold.cli.output_file import Shape, is_folder
    from fanfold.errors import OptionInvalid
    from fanfold.folds.exports.format import FormatName
    from fanfold.folds.exports.shards import RECORDS
    from fanfold.folds.exports.table import columns_from

    if format_ is not None and format_ not in {*FormatName}:
        raise OptionInvalid(f"--format {format_}: it is one of {', '.join(FormatName)}")
    if shard_records is not None and not is_folder(out):
        raise OptionInvalid(f"--shard-records is for a folder: write --out {out.strip('-')}/")
    shape = Shape(
        format=None if format_ is None else FormatName(format_),
        columns=() if columns is None else columns_from(columns),
        gzip=gzip,
        shard_records=shard_records or RECORDS,
    )
    form = shape.form(out).name
    if shape.columns and form is FormatName.JSONL:
        raise OptionInvalid(
            "--columns is for CSV and Parquet: write --format csv, or name a .csv file"
        )
    if form is FormatName.PARQUET and shape.packs(out):
        raise OptionInvalid("Parquet is compressed in itself: leave out --gzip, or .gz")
    if form is FormatName.PARQUET and follow:
        raise OptionInvalid(
            "--follow: a Parquet file can be read once it is whole. Follow as JSON Lines or CSV"
        )
    return shape


def _states(text: str) -> set[RunState]:
    from fanfold.domain.run import TERMINAL, RunState
    from fanfold.errors import OptionInvalid

    states = {str(state): state for state in RunState if state in TERMINAL or state == "queued"}
    states["cancelled"] = RunState.CANCELED
    names = [it.strip() for it in text.split(",")]
    if unknown := [it for it in names if it not in states]:
        known = ", ".join(it for it in states if it != "cancelled")
        raise OptionInvalid(f"--status {text}: a result is one of {known}, not {unknown[0]!r}")
    return {states[it] for it in names}


@contextmanager
def _writing(terminal: Terminal, out: str) -> Iterator[Callable[[int], None] | None]:
    """To the terminal itself nothing is shown: there the results are."""
    if out == "-" or not terminal.console.is_terminal:
        yield None
        return
    with terminal.console.status(f"writing {out}") as shown:
        yield lambda written: shown.update(f"writing {out}: {written:,}")
