"""What the shell is offered when Tab is pressed: quickly, and silently whatever is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Ended, Fanfold

SHELLS = ["bash", "zsh", "fish"]


def completed(fanfold: Fanfold, line: str, shell: str = "bash", **env: str) -> Ended:
    """What the shell's own script asks for, the cursor at the end of the line."""
    words = line.split(" ")
    asked = {
        "_FANFOLD_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    return fanfold(**asked, **env)


def offered(fanfold: Fanfold, line: str, **env: str) -> list[str]:
    ended = completed(fanfold, line, **env)
    assert (ended.code, ended.err) == (0, "")
    return ended.out.split()


@pytest.fixture(scope="module")
def batch_id(shared_fanfold: Fanfold) -> str:
    given = ("echo", "-", "--label", "x")
    return shared_fanfold.inside("create", *given, stdin="1\n").out.strip()


@pytest.mark.parametrize("shell", SHELLS)
def test_batches_are_offered_with_what_they_are(
    shared_fanfold: Fanfold, batch_id: str, shell: str
) -> None:
    ended = completed(shared_fanfold, "fanfold status b", shell)

    assert (ended.code, ended.err) == (0, "")
    assert batch_id in ended.out
    assert "last" not in ended.out
    if shell != "bash":  # it has no room for that
        assert "echo, pending" in ended.out


def test_a_batch_may_be_the_last(shared_fanfold: Fanfold, batch_id: str) -> None:
    assert offered(shared_fanfold, "fanfold watch ") == [batch_id, "last"]
    assert offered(shared_fanfold, "fanfold cancel la") == ["last"]


def test_states_flows_and_engines_are_offered(shared_fanfold: Fanfold, batch_id: str) -> None:
    assert batch_id
    assert offered(shared_fanfold, "fanfold list --status ca") == ["canceling", "canceled"]
    assert offered(shared_fanfold, "fanfold list --flow ") == ["echo"]
    assert offered(shared_fanfold, "fanfold list --engine ") == ["embedded", "google"]
    assert "echo" in offered(shared_fanfold, "fanfold run ec")
    assert offered(shared_fanfold, "fanfold results --status f") == ["failed"]


def test_commands_and_options_are_offered(shared_fanfold: Fanfold) -> None:
    assert offered(shared_fanfold, "fanfold wa") == ["wait", "watch"]
    assert offered(shared_fanfold, "fanfold watch --o") == ["--once"]


@pytest.mark.parametrize(
    "env",
    [
        {"FANFOLD_ENGINE": "steam"},
        {"FANFOLD_HOME": "/dev/null"},
        {"FANFOLD_HOME": "broken"},
        {"FANFOLD_HOME": "absent"},
    ],
)
def test_whatever_is_wrong_nothing_is_said(fanfold: Fanfold, env: dict[str, str]) -> None:
    (fanfold.folder / "broken").mkdir()
    fanfold.write_text("broken/fanfold.db", "no database")

    assert offered(fanfold, "fanfold status b", **env) == []
    assert not (fanfold.folder / "absent").exists()


def test_no_server_is_asked(fanfold: Fanfold) -> None:
    for given in ("fanfold status --engine google ", "fanfold status "):
        assert offered(fanfold, given, FANFOLD_ENGINE="google") == ["last"]


def test_little_is_loaded_for_it(shared_fanfold: Fanfold, batch_id: str) -> None:
    """Counted, not timed: so it holds on any machine."""
    heavy = {"google.protobuf", "grpc", "fanfold.wiring", "fanfold.execution.library"}
    program = (
        "import sys, typer\n"
        "from fanfold.cli.completion import complete_batch, complete_flow\n"
        "from fanfold.cli.main import program\n"
        "context = typer.Context(program())\n"
        "print([it[0] for it in complete_batch(context, '')], 'echo' in dict(complete_flow('')))\n"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )

    shown = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=shared_fanfold.folder,
        env=shared_fanfold.env(),
    )

    assert shown.stdout.splitlines() == [f"['{batch_id}', 'last'] True", "[]"]


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_its_script(fanfold: Fanfold, shell: str) -> None:
    """Which shell it is, is found out from the parent process, unless that is switched off."""
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(fanfold.folder)}

    shown = fanfold("--show-completion", shell, **named)
    installed = fanfold("--install-completion", shell, **named)

    assert (shown.code, installed.code, installed.err) == (0, 0, "")
    assert f"_FANFOLD_COMPLETE=complete_{shell}" in shown.out
    assert f"{shell} completion installed in {fanfold.folder}" in installed.out
    where = Path(installed.out.split(" installed in ")[1].splitlines()[0])
    assert shown.out.strip() in where.read_text()


def test_bash_completes_with_the_script(shared_fanfold: Fanfold, batch_id: str) -> None:
    """In bash itself, which the Makefile needs anyway."""
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = shared_fanfold("--show-completion", "bash", **named).out
    command = Path(sys.executable).with_name("fanfold")

    asked = f"COMP_WORDS=({command} status {batch_id[:8]}); COMP_CWORD=2"
    told = f"_fanfold_completion {command}; echo ${{COMPREPLY[@]}}"

    shown = subprocess.run(
        ["bash", "--norc", "-c", f"{script}\n{asked}\n{told}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=shared_fanfold.folder,
        env=shared_fanfold.env(),
    )

    assert (shown.stdout, shown.stderr) == (f"{batch_id}\n", "")
