"""docs/results.md tells the truth: its commands run, one after the other, on its own flow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from fanfold.folds import read_csv_export

PAGE = (Path(__file__).parents[2] / "docs" / "results.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_every_command_of_the_page_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(blocks("python")[0])
    (tmp_path / "spread.py").write_text(blocks("python")[1])
    said = []
    for command in blocks("sh"):
        program, *arguments = command.split()
        assert program == "fanfold"
        done = subprocess.run(
            [sys.executable, "-m", "fanfold.cli.main", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, command + done.stderr
        said.append(done.stdout)

    assert [said[0]] == blocks("json")
    assert json.loads(said[1]) == 1
    assert json.loads(said[3]) == {"t": 1, "m": 1, "s": 1, "o": 1}
    rows = list(read_csv_export(tmp_path / "results.csv"))
    assert rows[1]["output"] == {"length": "4", "initial": "m"}
    assert rows[4]["error"] == {"type": "ValueError", "message": "no word"}
    assert [json.loads(it)["index"] for it in said[5].splitlines()] == list(range(5))
    manifest = json.loads((tmp_path / "results" / "manifest.json").read_text())
    assert [it["records"] for it in manifest["files"]] == [2, 2, 1]
