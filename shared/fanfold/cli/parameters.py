"""The arguments and options that several commands share, each described once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fanfold.cli.completion import complete_batch, complete_flow
from fanfold.domain.priority import Priority

_INPUT = "Input"
_WORK = "Work"
_OUTPUT = "Output"


class EngineName(StrEnum):
    EMBEDDED = "embedded"
    GOOGLE = "google"


class DeliveryName(StrEnum):
    PUSH = "push"
    PULL = "pull"


class ErrorPolicyName(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"


class FormatName(StrEnum):
    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    TEXT = "text"


class WholeFiles(StrEnum):
    CONTENT = "content"
    PATH = "path"


FlowName = Annotated[
    str,
    typer.Argument(
        metavar="FLOW",
        help="flows.py:name, package.module:name, or the name of a flow found by `fanfold flows`.",
        autocompletion=complete_flow,
        show_default=False,
    ),
]
SourceNames = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SOURCE",
        help="Files, folders/, patterns ('data/*.csv'), URLs, - for standard input: JSON Lines, "
        "JSON, CSV, TSV, text, or gzip of these; or batch:last, another batch's results. Default: "
        "the flow's own source.",
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
Rate = Annotated[
    str | None,
    typer.Option(
        metavar="N/TIME",
        help="Let so many attempts begin per time, over all workers together: 10/s, 600/min, "
        "5000/h. Default: no limit.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Format = Annotated[
    FormatName | None,
    typer.Option(
        help="What the source is. Default: as its suffix says, or else JSON Lines.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        metavar="CHAR",
        help="Between the values of a CSV row; `tab` for a tab.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="The names of a CSV's columns, where no row is a header.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
NoHeader = Annotated[
    bool,
    typer.Option(
        "--no-header",
        help="A CSV's first row is a record, too; its columns are c1, c2, …",
        rich_help_panel=_INPUT,
    ),
]
Pointer = Annotated[
    str | None,
    typer.Option(
        metavar="POINTER",
        help="Where in a JSON document the array of records is, such as /data/items.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Files = Annotated[
    WholeFiles | None,
    typer.Option(
        help="A record per file: its path, name and text, or its path, name and size.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Select = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NEW=PLACE",
        help="Make records of these fields: each with its dotted place (items.0.text) in the one "
        "read, . for all of it; NAME for NAME=NAME. May be repeated.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
UniqueKeys = Annotated[
    bool,
    typer.Option(
        "--unique-keys",
        help="Refuse a source with two records of one key, or one without.",
        rich_help_panel=_INPUT,
    ),
]
MaxRecords = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Take only the first N records; with --shuffle, any N.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Shuffle = Annotated[
    bool,
    typer.Option(
        "--shuffle",
        help="Take the records in a random order; results keep the source's.",
        rich_help_panel=_INPUT,
    ),
]
PriorityField = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD",
        help="The field of a record (a.b.0) with its own priority within the batch, 0 to 9: 9 is "
        "dispatched first. Default: the source's order. --priority is the batch's among others.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="What the random order derives from: the same one gives the same.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Grid = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=V1,V2",
        help="Run each record with each of these parameters, JSON or else text; or NAME='[…]', a "
        "JSON array. May be repeated, for all combinations.",
        rich_help_panel=_INPUT,
        show_default=False,
    ),
]
Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Only read the whole source and check each record; store and start nothing.",
        rich_help_panel=_INPUT,
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
PriorityClass = Annotated[
    Priority | None,
    typer.Option(
        help="Where several batches are ready, workers take the records of high ones first, and "
        "low ones wait while there is any other. Functions that are pushed to get them as they "
        "come. Default: normal.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
ErrorPolicy = Annotated[
    ErrorPolicyName | None,
    typer.Option(
        help="stop: the first record that fails ends the batch. Default: continue.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
MaxFailures = Annotated[
    str | None,
    typer.Option(
        metavar="N|PERCENT",
        help="End the batch when more than so many records have failed: 20, or 3% of all.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Deadline = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Skip what is not settled after so long: 90s, 30m, 2h.",
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
        metavar="WHERE",
        help="Write the results here when it has ended: a .jsonl or .csv file, a folder/ or URL, "
        "or - for standard output.",
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
Delivery = Annotated[
    DeliveryName | None,
    typer.Option(
        "--delivery",
        help="With --engine google, where nothing is up yet: push to the six functions, as "
        "deployed, or pull by worker processes, which is much faster. Default: FANFOLD_DELIVERY, "
        "or push.",
        show_default=False,
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
