"""The help: an example for each command, and no waiting for it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fanfold.cli.main import commands, program

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

COMMANDS = [name for group in commands().values() for name in group]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_an_example(fanfold: Fanfold, command: str) -> None:
    ended = fanfold.inside(command, "-h")

    assert (ended.code, ended.err) == (0, "")
    assert re.search(rf"Example: .*fanfold {command} ", re.sub(r"\s+", " ", ended.out) + " ")
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "--help" in ended.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_example_is_a_command_line_that_is_understood(command: str) -> None:
    """The flags it shows exist, and take what it gives them."""
    (example,) = [group[command][1] for group in commands().values() if command in group]
    words = shlex.split(example.split(" | ")[0])
    words = words[words.index("fanfold") + 1 :]
    root = program()

    assert words[0] == command
    with root.make_context("fanfold", []) as context:
        root.commands[command].make_context(command, words[1:], parent=context)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_says_what_it_is_for(command: str) -> None:
    options = program().commands[command].params

    assert [it.name for it in options if not it.help] == []
    assert [it.help for it in options if not it.help.endswith((".", "…", ")"))] == []


def test_groups_of_options_come_in_the_same_order_everywhere(fanfold: Fanfold) -> None:
    order = ["Arguments", "Options", "Input", "Where", "Work", "Output", "Format"]

    for command in COMMANDS:
        groups = re.findall(r"╭─ (\w+) ─", fanfold.inside(command, "--help").out)
        assert groups == sorted(groups, key=order.index), command


def test_a_flag_asks_for_no_value(fanfold: Fanfold) -> None:
    for command in COMMANDS:
        assert "bool" not in fanfold.inside(command, "--help").out


def test_the_whole_help_names_every_command(fanfold: Fanfold) -> None:
    asked, bare = fanfold.inside("--help"), fanfold()

    for command in COMMANDS:
        assert re.search(rf"│ {command} +\w", asked.out)
    assert "Example: fanfold run" in asked.out
    assert (asked.code, bare.code) == (0, 2)
    assert bare.out == asked.out


def test_the_version_is_the_packages(fanfold: Fanfold) -> None:
    from importlib.metadata import version

    installed = Path(sys.executable).with_name("fanfold")
    shown = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True)

    assert shown.stdout == fanfold("--version").out == f"fanfold {version('fanfold')}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'? See: fanfold --help"),
        (["status"], "Missing argument 'BATCH'. See: fanfold status --help"),
        (["wait", "last", "--timeout", "soon"], "See: fanfold wait --help"),
        (["list", "--staus"], "No such option: --staus. Did you mean --status"),
        (["list", "--engine", "steam"], "'steam' is not one of 'embedded', 'google'. See: "),
    ],
)
def test_a_mistyped_command_line_is_one_line(
    fanfold: Fanfold, arguments: list[str], said: str
) -> None:
    ended = fanfold.inside(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("fanfold: ")
    assert said in ended.err
    assert "error" not in ended.err


def test_a_command_loads_no_other_one() -> None:
    program = (
        "import sys; from fanfold.cli.main import main; main(['--verbose', 'logs', '--help']); "
        "others = {'run', 'create', 'cancel', 'results', 'errors', 'up', 'bench'}; "
        "print(sorted(others & {it.removeprefix('fanfold.cli.') for it in sys.modules}))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1] == "[]"


def test_help_loads_no_engine_and_no_web_of_imports() -> None:
    """Counted, not timed: so it holds on any machine."""
    program = (
        "import sys; from fanfold.cli.main import main; main(['run', '--help']); "
        "print(sorted({'fanfold.wiring', 'sqlite3', 'asyncio', 'grpc'} & set(sys.modules)))"
    )

    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert shown.stdout.splitlines()[-1] == "[]"
