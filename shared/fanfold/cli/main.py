"""The command line: its commands, and the one place where an error becomes a line and a code.

    fanfold run flows.py:shout records.jsonl

A command is imported when it is asked for, and what it needs when it is called: `fanfold --help`
and the shell's completion answer at once.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from fanfold.cli import exits, mishaps
from fanfold.cli.table import COMMANDS, where
from fanfold.errors import FanfoldError, handling_of

_VERBOSE = "--verbose"
#: What a mistyped command line raises, in whatever click it is that typer brings.
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. `--verbose` is understood anywhere: errors suggest to add it at the end."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    verbose = _VERBOSE in given
    if verbose:
        given = [_VERBOSE, *(it for it in given if it != _VERBOSE)]
    try:
        asked = program(_asked_for(given))
        code = asked(given or ["--help"], prog_name="fanfold", standalone_mode=False)
        return int(code or exits.OK) if given else exits.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return exits.INTERRUPTED
    except _UsageError as error:
        return _misused(error)
    except FanfoldError as error:
        return _failed(str(error), handling_of(error).exit_code, verbose=verbose)
    except Exception as error:  # noqa: BLE001  whatever it is, the user gets a line and not a trace
        if (mishap := mishaps.told(error)) is not None:
            return _failed(*mishap, verbose=verbose)
        hint = "" if verbose else " Run it again with --verbose for the whole trace."
        text = f"unexpected {type(error).__name__}: {error}.{hint}"
        return _failed(text, exits.FAILED, verbose=verbose)


def _asked_for(given: Sequence[str]) -> str | None:
    """The one command that is needed, where that is plain: the others need not be made."""
    first = next((it for it in given if it != _VERBOSE), None)
    return first if any(first in group for group in COMMANDS.values()) else None


def program(only: str | None = None) -> Any:
    """As typer builds it; but a flag takes no value, so its help must not ask for one."""
    group: Any = typer.main.get_command(application(only))
    for it in (group, *group.commands.values()):
        context: Any = typer.Context(it, **group.context_settings)  # names --help, a flag as well
        for flag in (option for option in it.get_params(context) if _is_flag(option)):
            flag.metavar = ""
    return group


def _is_flag(option: Any) -> bool:
    return bool(getattr(option, "is_flag", False))


def application(only: str | None = None) -> typer.Typer:
    """With all commands, or with the one that is asked for."""
    made = commands(only)
    _, example = next(iter(next(iter(made.values())).values()))
    app = typer.Typer(
        name="fanfold",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=f"Example: {example}",
    )
    app.callback(help=_flowing(_fanfold.__doc__ or ""))(_fanfold)
    for panel, group in made.items():
        for name, (command, example) in group.items():
            app.command(
                name,
                help=_flowing(command.__doc__ or ""),
                epilog=f"Example: {example}",
                rich_help_panel=panel,
            )(command)
    return app


def _flowing(text: str) -> str:
    """A docstring's paragraphs, each on one line, for the terminal to break."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def commands(only: str | None = None) -> dict[str, dict[str, tuple[Callable[..., int], str]]]:
    """Each with its example, in the order and the groups that the help shows."""
    return {
        panel: {name: where(it) for name, it in group.items() if only in (None, name)}
        for panel, group in COMMANDS.items()
        if only is None or only in group
    }


def _fanfold(
    context: typer.Context,
    verbose: Annotated[
        bool, typer.Option(_VERBOSE, help="Whole traces of errors, and what goes well, too.")
    ] = False,
    version: Annotated[  # noqa: ARG001  its callback does it
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Run a function on a hundred thousand inputs, each exactly once in effect.

    A flow is a function with @flow above it. A batch is one use of it over all records of a
    source. Batches are kept in ./.fanfold, or where FANFOLD_HOME says.

    Exit codes: 0 completed, 1 failed, 2 bad usage or input, 3 canceled, expired or skipped,
    130 interrupted.
    """
    from fanfold.cli.log_lines import show_log
    from fanfold.cli.terminal import Terminal

    context.obj = verbose
    show_log(Terminal().warn, verbose=verbose)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"fanfold {version('fanfold')}")
        raise typer.Exit


def _misused(error: Exception) -> int:
    """One line, as for any other error, and where the help is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "fanfold"
    text = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
    near = getattr(error, "possibilities", None)
    if near and (option := getattr(error, "option_name", None)):
        text = f"No such option: {option}. Did you mean {' or '.join(near)}?"
    text = text.replace("Value error, ", "")
    end = "" if text.endswith("?") else "."
    return _failed(f"{text}{end} See: {command} --help", exits.USAGE, verbose=False)


def _failed(text: str, code: int, *, verbose: bool) -> int:
    from fanfold.cli.terminal import Terminal

    if verbose:
        traceback.print_exc()
    Terminal().warn(f"fanfold: {' '.join(text.split())}")
    return code


if __name__ == "__main__":
    sys.exit(main())
