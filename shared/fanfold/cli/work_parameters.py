"""Options of a new batch, or of one that is run again: how its records are worked on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from fanfold.cli.completion import complete_batch
from fanfold.domain.priority import Priority

_WORK = "Work"


class ErrorPolicyName(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"


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
After = Annotated[
    list[str] | None,
    typer.Option(
        metavar="BATCH",
        help="Begin when this batch has completed; skip this one if it ends otherwise. An id, the "
        "beginning of one, or `last`. May be repeated: then all of them.",
        autocompletion=complete_batch,
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
AfterAnyEnd = Annotated[
    bool,
    typer.Option(
        "--after-any-end",
        help="Begin when those of --after have ended, however that was.",
        rich_help_panel=_WORK,
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
MaxSpend = Annotated[
    float | None,
    typer.Option(
        metavar="DOLLARS",
        help="End the batch when its flow says (ctx.spend) that more has been spent.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
Interactive = Annotated[
    bool,
    typer.Option(
        "--interactive",
        help="Its runs may ask people (ctx.ask) and wait: `fanfold answer`. Else one that asks "
        "fails.",
        rich_help_panel=_WORK,
    ),
]
Canary = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Run N records first, alone; pause for you to look unless all of them succeed.",
        rich_help_panel=_WORK,
        show_default=False,
    ),
]
