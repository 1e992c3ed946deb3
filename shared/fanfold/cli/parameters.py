"""The arguments and options that many commands share, each described once. What is said of a batch
when it is created is in source_parameters and work_parameters."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from fanfold.cli.completion import complete_batch, complete_flow

_WORK = "Work"
_OUTPUT = "Output"


class EngineName(StrEnum):
    EMBEDDED = "embedded"
    GOOGLE = "google"


class DeliveryName(StrEnum):
    PUSH = "push"
    PULL = "pull"


FlowName = Annotated[
    str,
    typer.Argument(
        metavar="FLOW",
        help="flows.py:name, package.module:name, or the name of a flow found by `fanfold flows`.",
        autocompletion=complete_flow,
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
