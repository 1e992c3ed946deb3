"""`fanfold actions`: which there are, and what they need."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fanfold.execution.actions import FoundAction

EXAMPLE = "FANFOLD_FLOWS=tools.py fanfold actions --roles"


def actions(
    provider: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only those that call this service.", show_default=False),
    ] = None,
    providers: Annotated[
        bool, typer.Option("--providers", help="List the services, with the scopes needed there.")
    ] = False,
    roles: Annotated[
        bool, typer.Option("--roles", help="List the IAM roles to grant, with what needs them.")
    ] = False,
    json: given.AsJson = False,
) -> int:
    """List the actions found here, and what they need.

    An action is a function with @action above it: it calls a service (its provider), with
    credentials that need its scopes there, from an account that needs its IAM roles. They are
    found where flows are: in FANFOLD_FLOWS and in installed packages.
    """
    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal, hearing_user_code
    from fanfold.domain.action import providers_of, roles_of
    from fanfold.errors import OptionInvalid
    from fanfold.execution.library import Library
    from fanfold.settings import Settings

    if providers and roles:
        raise OptionInvalid("--providers and --roles are two lists. Name one of them")
    terminal = Terminal()
    library = Library(Settings.from_env().flow_places)
    with hearing_user_code():
        found = [it for it in library.actions() if provider in (None, it.action.provider)]
        entries = [] if providers or roles or not json else [_as_json(it) for it in found]
    each = [it.action for it in found]
    listed: dict[str, Any] = {"actions": entries}
    view = [line for it in found for line in _lines(it, terminal.columns)]
    if providers:
        its = providers_of(each)
        listed = {"providers": [asdict(it) for it in its]}
        view = [line for it in its for line in _needs(it.provider, it.actions, it.scopes)]
    elif roles:
        needed = roles_of(each)
        listed = {"roles": [asdict(it) for it in needed]}
        view = [line for it in needed for line in _needs(it.role, it.actions)]
    if json:
        terminal.json(listed | {"problems": library.problems})
    elif view:
        from rich.console import Group

        terminal.show(Group(*view))
    else:
        terminal.say("There are no actions here: put @action above a function, in FANFOLD_FLOWS.")
    for problem in library.problems:
        terminal.warn(f"fanfold: {problem}")
    return exits.OK


def _as_json(found: FoundAction) -> dict[str, Any]:
    from fanfold.graphs.actions import input_schema_of, output_schema_of

    action = found.action
    return {
        "id": action.id,
        "title": action.title,
        "provider": action.provider,
        "scopes": action.scopes,
        "roles": action.roles,
        "place": found.place,
        "input_schema": input_schema_of(found.fn),
        "output_schema": output_schema_of(found.fn),
    }


def _lines(found: FoundAction, width: int) -> list[RenderableType]:
    from rich.text import Text

    from fanfold.cli.hanging import hanging
    from fanfold.cli.near import near
    from fanfold.cli.numbers import short

    action = found.action
    title = Text(action.id, style="bold")
    if action.title != action.id:
        title.append("  " + short(action.title, width - len(action.id) - 2), style="not bold")
    about = [near(found.place), action.provider, *action.scopes, *action.roles]
    return [title, hanging(Text(", ".join(about), style="bright_black"))]


def _needs(
    name: str, actions: tuple[str, ...], scopes: tuple[str, ...] = ()
) -> list[RenderableType]:
    from rich.text import Text

    from fanfold.cli.hanging import hanging

    lines: list[RenderableType] = [Text(name, style="bold")]
    if scopes:
        lines.append(hanging(Text(f"scopes {', '.join(scopes)}")))
    return [*lines, hanging(Text(f"for {', '.join(actions)}", style="bright_black"))]
