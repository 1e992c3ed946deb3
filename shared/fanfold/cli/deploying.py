"""`fanfold deploy` and `fanfold destroy`: the functions in the cloud, by Terraform."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fanfold.cli import parameters as given

if TYPE_CHECKING:
    from typing import Any

DEPLOY = "fanfold deploy --project my-project --flows flows.py --dry-run"
DESTROY = "fanfold destroy --project my-project --dry-run"

_BUILD = Path("build")
#: flows that every deployment has: its smoke test is of one
_BUNDLED = "fanfold.flows.echo"
_WHERE, _WHAT = "Where", "Input"

Project = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The project. Default: what a --var-file says.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
Prefix = Annotated[
    str | None,
    typer.Option(
        metavar="NAME-",
        help="Begins all names, so that several deployments fit in a project.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
VarFile = Annotated[
    list[Path] | None,
    typer.Option(
        "--var-file",
        metavar="FILE",
        help="Terraform variables, such as infra/examples/dev.tfvars. May be repeated.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
State = Annotated[
    str | None,
    typer.Option(
        metavar="gs://…",
        help="The bucket that Terraform keeps its state in. Default: a file in build/infra.",
        rich_help_panel=_WHERE,
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before anything is changed.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Stage, print the commands, and run none of them.")
]


def deploy(
    flows: Annotated[
        list[str] | None,
        typer.Option(
            "--flows",
            metavar="FLOWS",
            help="A file or package with flows, staged with the functions; or a dotted module that "
            "--requirements installs. May be repeated.",
            rich_help_panel=_WHAT,
            show_default=False,
        ),
    ] = None,
    requirements: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What your flows need besides: a requirements.txt.",
            rich_help_panel=_WHAT,
            show_default=False,
        ),
    ] = None,
    wheel: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Fanfold's wheel. Default: built of this checkout.",
            rich_help_panel=_WHAT,
            show_default=False,
        ),
    ] = None,
    lock: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Fanfold's requirements.lock. Default: its own.",
            rich_help_panel=_WHAT,
            show_default=False,
        ),
    ] = None,
    project: Project = None,
    prefix: Prefix = None,
    var_file: VarFile = None,
    state: State = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: given.AsJson = False,
) -> int:
    """Stage the functions and have Terraform make all that they need.

    Prints each command before it is run, and stops at the first that fails; what is done by then
    stays, and running it again goes on. Nothing of it has been tried against the real cloud yet:
    look at the plan before you say yes.
    """
    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal
    from fanfold.deploy import commands
    from fanfold.deploy.stage import stage

    terminal = Terminal()
    files = [Path(it) for it in flows or [] if _is_path(it)]
    modules = [_BUNDLED, *(it for it in flows or [] if not _is_path(it))]
    with terminal.busy("staging the functions"):
        staged = stage(_BUILD / "functions", files, modules, requirements, wheel, lock)
    terminal.say(f"fanfold: staged {len(staged.digests)} functions in {staged.folder}")
    variables = {**_named(project, prefix), "flows": staged.flows, "staged": "../functions"}
    folder = commands.prepared(_BUILD / "infra", variables, var_file or [], state)
    todo = commands.to_deploy(folder, approve=yes)
    commands.run(todo, terminal.say, dry=dry_run)
    if json:
        told: dict[str, Any] = {"commands": [str(it) for it in todo], "archives": staged.digests}
        terminal.json({**told, "flows": staged.flows, "dry_run": dry_run})
    return exits.OK


def destroy(
    project: Project = None,
    prefix: Prefix = None,
    var_file: VarFile = None,
    state: State = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: given.AsJson = False,
) -> int:
    """Remove what `fanfold deploy` has made.

    With `protect` (the default) the database and the buckets refuse to go: deploy with
    `protect = false` first, if you mean it. The database's documents are then gone for good.
    """
    from fanfold.cli import exits
    from fanfold.cli.terminal import Terminal
    from fanfold.deploy import commands

    terminal = Terminal()
    variables = {**_named(project, prefix), "staged": "../functions"}
    folder = commands.prepared(_BUILD / "infra", variables, var_file or [], state)
    todo = commands.to_destroy(folder, approve=yes)
    commands.run(todo, terminal.say, dry=dry_run)
    if json:
        terminal.json({"commands": [str(it) for it in todo], "dry_run": dry_run})
    return exits.OK


def _is_path(text: str) -> bool:
    """A dotted module has no slash, and no file's suffix."""
    return "/" in text or text.endswith(".py") or Path(text).exists()


def _named(project: str | None, prefix: str | None) -> dict[str, Any]:
    named = {"project": project, "prefix": prefix}
    return {name: value for name, value in named.items() if value is not None}
