"""README tells the truth: its example is run as it stands, its tables are complete."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from fanfold.cli.main import application
from fanfold.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


COMMANDS = vars(get_command(application()))["commands"]


def block(language: str, containing: str) -> str:
    found: str
    (found,) = [text for name, text in BLOCKS if name == language and containing in text]
    return found


def test_the_first_example_gives_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(block("python", "# flows.py"))
    commands = block("sh", "printf").replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    done = subprocess.run(
        ["bash", "-euc", commands], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == block("json", "HELLO")


def test_the_flow_with_everything_runs_and_folds(tmp_path: Path) -> None:
    (tmp_path / "squares.py").write_text(block("python", "def total"))
    done = subprocess.run(
        [sys.executable, "-m", "fanfold.cli.main", "run", "squares.py:square", "--quiet"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(sum(n**2 for n in range(100)))


def test_the_graph_is_drawn_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "graphs.py").write_text(block("python", "# graphs.py"))
    done = subprocess.run(
        [sys.executable, "-m", "fanfold.cli.main", "graph", "graphs.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["┌── start", "├── double ▥ x10", "└── sum"]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"`{command}[ `]", README)


def test_every_setting_is_in_the_readme() -> None:
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"FANFOLD_{name.upper()}"
        assert f"`{variable}`" in README


def test_every_file_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_targets_the_readme_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"make (\w+)", block("sh", "make demo")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
