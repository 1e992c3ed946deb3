"""docs/sources.md tells the truth: every command in it reads its source."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from fanfold.cli.main import application, main
from fanfold.domain.source_format import SourceFormat

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"`(fanfold run [^`]+)`", PAGE)
COMMANDS += re.findall(r"^(fanfold run .+)$", "\n".join(BLOCKS), re.MULTILINE)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the page makes, and one batch that has ended."""
    folder = tmp_path_factory.mktemp("sources")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    subprocess.run(["bash", "-euc", BLOCKS[0]], cwd=folder, env=environment, check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("FANFOLD_HOME", str(folder / "home"))
        assert main(["run", "echo", "records.jsonl", "--quiet", "--processes", "1"]) == 0
    return folder


@pytest.mark.parametrize("command", [it for it in COMMANDS if "FLOW" not in it])
def test_each_command_reads_its_source(
    command: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `--check`: without any worker."""
    monkeypatch.chdir(here)
    monkeypatch.setenv("FANFOLD_HOME", str(here / "home"))
    typed, _, piped = command.partition(" < ")
    with (here / (piped or "records.jsonl")).open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        code = main([*shlex.split(typed)[1:], "--check"])
    said = capsys.readouterr()
    assert code == 0, said.out + said.err
    assert re.search(r"fanfold: [1-9]\d* records?, no problems", said.err)


def test_every_flag_for_sources_is_on_the_page() -> None:
    run: Any = vars(get_command(application()))["commands"]["run"]
    wanted = {*SourceFormat.model_fields, "no_header", "select", "unique_keys", "key", "check"}
    flags = {flag for it in run.params if it.name in wanted for flag in it.opts}
    assert len(flags) == len(wanted) - 1, "header is --no-header"
    assert [flag for flag in sorted(flags) if f"{flag}" not in PAGE] == []


def test_every_command_was_found() -> None:
    assert len([it for it in COMMANDS if "FLOW" not in it]) >= 20
