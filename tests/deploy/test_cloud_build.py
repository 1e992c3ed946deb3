"""cloudbuild.yaml: its steps in order, each with the commands that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BUILD: dict[str, Any] = yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}


def before(step: str) -> set[str]:
    """All that must have ended when it begins."""
    direct = set(STEPS[step].get("waitFor", []))
    return direct.union(*(before(it) for it in direct)) if direct else set()


def test_nothing_is_applied_that_was_not_checked_tested_staged_and_planned() -> None:
    assert before("apply") == {"check", "test", "stage", "before", "plan"}
    assert "apply" in before("smoke")
    assert "smoke" in before("rollback")


@pytest.mark.parametrize("name", STEPS)
def test_its_scripts_are_ones_that_a_shell_can_read(name: str) -> None:
    step = STEPS[name]
    if step["entrypoint"] not in ("bash", "sh"):
        pytest.skip("it is one command")
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run([bash, "-n", "-c", step["args"][-1]], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_it_is_told_is_declared_and_used() -> None:
    text = (ROOT / "cloudbuild.yaml").read_text()
    used = set(re.findall(r"\$\{?(_[A-Z]+)", text))
    assert used == set(BUILD["substitutions"])


def test_make_has_what_it_calls() -> None:
    text = (ROOT / "cloudbuild.yaml").read_text() + (ROOT / "Makefile").read_text()
    for target in re.findall(r"make ([a-z]+)", (ROOT / "cloudbuild.yaml").read_text()):
        assert f"\n{target}:" in text, target


def test_the_archives_of_before_get_their_names_back() -> None:
    line = next(it for it in STEPS["rollback"]["args"][-1].splitlines() if "sed" in it)
    script = (
        line.split("$(", 1)[1].rsplit(")", 1)[0].replace("$archive", f"run_flow-{'a' * 64}.zip")
    )
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "run_flow.zip"
