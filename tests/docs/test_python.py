"""docs/python.md tells the truth: its first example is run as it stands, its names exist."""

from __future__ import annotations

import re
import subprocess
import sys
from inspect import signature
from pathlib import Path

import fanfold
from fanfold.domain.options import BatchOptions
from fanfold.notebook import Done, run_batch

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def block(language: str, containing: str) -> str:
    found: str
    (found,) = [text for name, text in BLOCKS if name == language and containing in text]
    return found


def test_the_example_prints_what_it_says(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(block("python", "run_batch(shout"))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    progress, results = done.stdout.split("\n{", 1)
    assert "{" + results == block("text", "HELLO")
    assert progress.splitlines()[-1].startswith("completed: 3 of 3 records, 1 failed")


def test_going_on_is_as_it_says(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    example = block("python", "run_batch(shout")
    going_on = block("python", "resume_batch(batch_id").replace("\n", "\n    ")
    script.write_text(f"{example}    batch_id = done.batch_id\n    {going_on}\n    print(done)\n")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "completed: 2 succeeded, 1 failed" in done.stdout.splitlines()[-1]


def test_every_option_and_attribute_it_names_exists() -> None:
    named = set(re.findall(r"`(\w+)=`", PAGE))
    assert named <= {*BatchOptions.model_fields, *signature(run_batch).parameters}
    for name in re.findall(r"`done\.(\w+)", PAGE):
        assert name == "results" or hasattr(Done, name), name
    for name in re.findall(r"from fanfold import (.+)", PAGE):
        assert all(hasattr(fanfold, it.strip()) for it in name.split(","))
