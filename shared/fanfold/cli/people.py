"""Who else may look at a batch, or hold it, where it is served over the network."""

from __future__ import annotations

from typing import Annotated

import typer

_PANEL = "Who may"
_PERSON = "an identity, group:NAME, or all. May be repeated."

Manager = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PERSON",
        help=f"Who may hold the batch over the network: {_PERSON}",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Monitor = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PERSON",
        help=f"Who may look at it there: {_PERSON}",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
