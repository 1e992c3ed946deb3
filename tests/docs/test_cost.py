"""docs/cost.md tells the truth: its commands run, its numbers are those of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from fanfold.domain import cost

PAGE = (Path(__file__).parents[2] / "docs" / "cost.md").read_text()


def test_its_commands_run(tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(
        'from fanfold import flow\n@flow\ndef shout(record):\n    return record["text"]\n'
    )
    (tmp_path / "records.jsonl").write_text('{"text": "a"}\n')
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for command in commands.splitlines():
        arguments = command.split()[1:]
        done = subprocess.run(
            [sys.executable, "-m", "fanfold.cli.main", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "for a million such records" in done.stdout
        assert not (tmp_path / ".fanfold").exists()


def test_its_numbers_are_the_code_s() -> None:
    assert f"each group of {cost.GROUP} outcomes" in PAGE
    assert f"`--threads` runs at once ({cost.RUNS_AT_ONCE})" in PAGE
    assert f"costs ${cost.NAIVE_DOLLARS_PER_MILLION:.2f} a million" in PAGE


def test_its_arithmetic_is_the_estimate_s() -> None:
    made = cost.estimate(cost.Workload(records=1_000_000, record_bytes=300, seconds=2.0))
    lines = {line.name: line for line in made.once}
    rows = re.findall(r"^\| ([a-zA-Z -]+) \| ([\d,]+) \| .+ \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 7
    for name, amount, dollars in rows:
        assert (f"{lines[name].amount:,.0f}", f"{lines[name].dollars:.4f}") == (amount, dollars), (
            name
        )
    work = lines["vCPU-seconds"].dollars + lines["GiB-seconds"].dollars
    assert f"Together ${made.dollars:.2f}: ${made.dollars - work:.2f} for being counted" in PAGE
    assert f"takes ${made.dollars_a_month:.2f} of storage" in PAGE
