"""The arguments and options that several commands share, each described once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fanfold.cli.completion import complete_batch

_INPUT = "Input"
_WORK = "Work"
_OUTPUT = "Output"


class EngineName(StrEnum):
    EMBEDDED = "embedded"
    GOOGLE = "google"


FlowName = Annotated[
    str,
    typer.Argument(
        metavar="FLOW",
        help="flows.py:name, package.module:name, or the name of a flow found by `fanfold flows`.",
        show_default=False,
    ),
]
SourceName = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="A JSON Lines file, or - for standard input. Default: the flow's own source.",
        show_default=False,
    ),
]
BatchName = Annotated[
    str,
    typer.Argument(
        metavar="BATCH",
        help="A batch's id, the beginning of it, or `last` for the newest.",
        autocompletion=complete_batch,
        show_default=False,
    ),
]

Concurrency = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Have at most N records in flight. Default: no limit.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
MaxRecords = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Take only the first N records.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Key = Annotated[
    str,
    typer.Option(
        metavar="FIELD", help="The field that holds a record's key.", rich_help_panel=_INPUT
    ),
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE",
        help="A parameter for the flow (ctx.parameters): JSON, or else text. May be repeated.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Params = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json",
        help="Parameters from a file that holds one JSON object; --param goes before it.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Retries = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Attempts after the first. Default: the flow's own.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Time for one attempt. Default: the flow's own.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Label = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="A label, to find the batch again.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT", help="A tag. May be repeated.", rich_help_panel=_INPUT, show_default=False
    ),
]
RequestId = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="The same id asks for the same batch: asking twice starts it once.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Worker processes. Default: one for each processor, at most 4.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Records at once in each process; more if --concurrency needs it.",
        rich_help_panel=_WORK,
    ),
]
Out = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Write the results here when it has ended, as JSON Lines; - for standard output.",
        rich_help_panel=_OUTPUT,
        show_default=False,
    ),
]
Engine = Annotated[
    EngineName | None,
    typer.Option(
        "--engine", help="Which engine. Default: FANFOLD_ENGINE, or embedded.", show_default=False
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object, and nothing else, on standard output."),
]
ReportAsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print how it ended as one JSON object on standard output.",
        rich_help_panel=_OUTPUT,
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Exit with 1 if any record failed.", rich_help_panel=_OUTPUT),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", help="No progress, no summary.", rich_help_panel=_OUTPUT),
]


def flag_of(engine: EngineName | None) -> str:
    """To end a suggested command with, so that it means the same engine."""
    return "" if engine is None else f" --engine {engine}"
