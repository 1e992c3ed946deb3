"""The help: an example for each command, and no waiting for it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fanfold.cli.main import commands

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


def test_the_shell_completes_batches(fanfold: Fanfold) -> None:
    batch_id = fanfold.inside("create", "echo", "-", stdin="1\n").out.strip()

    offered = fanfold(
        _FANFOLD_COMPLETE="complete_bash", COMP_WORDS="fanfold status b", COMP_CWORD="2"
    )

    assert batch_id in offered.out
