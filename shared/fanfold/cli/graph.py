"""`fanfold graph`: a flow drawn."""

from __future__ import annotations

from typing import Annotated

import typer

from fanfold.cli import parameters as given

EXAMPLE = "fanfold graph fanfold.flows.doubling"
_FORMAT = "Format"


def graph(
    flow: given.FlowName,
    mermaid: Annotated[
        bool,
        typer.Option(
            "--mermaid", help="As a Mermaid flowchart, for Markdown.", rich_help_panel=_FORMAT
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="As a blueprint: one JSON object.", rich_help_panel=_FORMAT),
    ] = False,
) -> int:
    """Draw a flow: a line for each node, a lane for each edge.

    An edge begins at its source's line and ends at its target's, further down. A scattered node
    is marked with how many of its items are in flight at most, and an action with its provider.
    """
    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal, hearing_user_code
    from fanfold.errors import OptionInvalid
    from fanfold.execution.library import Library
    from fanfold.graphs.flow import Flow
    from fanfold.settings import Settings

    if mermaid and json:
        raise OptionInvalid("--mermaid and --json are two ways to write it. Name one of them")
    terminal = Terminal()
    with hearing_user_code():
        found = Library(Settings.from_env().flow_places).find(flow).flow
        assert isinstance(found, Flow)  # noqa: S101  whatever makes flows makes these
        if json:
            terminal.json(found.to_blueprint())
        elif mermaid:
            terminal.data(found.to_mermaid())
        else:
            terminal.data(found.drawing(width=terminal.columns, plain=terminal.is_plain))
    return exits.OK
