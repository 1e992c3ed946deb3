"""docs/graphs.md tells the truth: its examples print what it says, its names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from inspect import signature
from pathlib import Path

from fanfold import Context, Flow, action
from fanfold.cli.main import commands

PAGE = (Path(__file__).parents[2] / "docs" / "graphs.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
_NEXT = "~~~"


def test_each_example_prints_what_it_says(tmp_path: Path) -> None:
    assert [language for language, _ in BLOCKS] == ["python", "text"] * (len(BLOCKS) // 2)
    examples = [text for language, text in BLOCKS if language == "python"]
    (tmp_path / "page.py").write_text(f"\nprint({_NEXT!r})\n".join(examples))
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split(f"{_NEXT}\n") == [text for it, text in BLOCKS if it == "text"]


def test_every_option_method_and_command_it_names_exists() -> None:
    options = {
        name
        for it in (Flow, Flow.node, Flow.batch, Flow.edge, Flow.from_blueprint, action, Context.ask)
        for name in signature(it).parameters
    }
    assert set(re.findall(r"`(\w+)=[^`]*`", PAGE)) <= options
    for name in re.findall(r"`\.(\w+)\(", PAGE):
        assert hasattr(Flow, name), name
    there = {name for group in commands().values() for name in group}
    assert set(re.findall(r"`fanfold (\w+)", PAGE)) <= there


def test_it_is_linked_from_the_readme() -> None:
    assert "(docs/graphs.md)" in (Path(__file__).parents[2] / "README.md").read_text()
