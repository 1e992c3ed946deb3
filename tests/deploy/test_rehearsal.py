"""A deployment, rehearsed: what is staged is installed as the buildpack would, and goes to work.

A fresh environment has nothing but the staged requirements; the six functions are started in it by
functions-framework, with the environment that Terraform sets, and are pushed to, on the official
emulators. What is left out: FANFOLD_PUSH_ACCOUNT, for nobody here can sign as Google.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.client import Client
from fanfold.deploy.smoke import smoke
from fanfold.deploy.stage import Staged, stage
from fanfold.local.emulators import Emulators
from fanfold.local.functions import NAMES
from fanfold.local.up import Up, brought_up
from fanfold.settings import Settings
from tests.deploy.test_terraform import local

#: whichever test comes first waits for what is fetched and installed
pytestmark = pytest.mark.timeout(600)

MINE = "from fanfold import flow\n@flow\ndef triple(record):\n    return 3 * record\n"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    folder = tmp_path_factory.mktemp("deploy")
    (folder / "mine.py").write_text(MINE)
    return stage(folder / "functions", [folder / "mine.py"], ["fanfold.flows.echo"])


@pytest.fixture(scope="module")
def python(staged: Staged) -> Path:
    """An environment of its own, as the buildpack makes it: pip, and the staged requirements."""
    environment = staged.folder.parent / "environment"
    base = str(Path(sys.base_prefix) / "bin" / "python3")
    subprocess.run([base, "-m", "venv", "--without-pip", environment], check=True)
    found = environment / "bin" / "python"
    install = [base, "-m", "pip", "--python", str(found), "install", "--quiet"]
    install += ["--disable-pip-version-check", "--root-user-action", "ignore"]
    install += ["--no-compile"]  # most of it is never imported here
    source = staged.folder / "run_flow"
    subprocess.run([*install, "-r", "requirements.txt"], cwd=source, check=True, timeout=600)
    return found


def alone(python: Path, *arguments: str, cwd: Path) -> str:
    """Without anything of this checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_function_is_installed_with_the_same(staged: Staged) -> None:
    texts = {(staged.folder / it / "requirements.txt").read_text() for it in (*NAMES, "worker")}
    (text,) = texts
    assert "--hash=sha256:" in text
    assert (staged.folder / "run_flow" / "mine.py").exists()
    assert staged.flows == "fanfold.flows.echo:mine"


def test_each_function_is_imported_by_itself_in_little_time(
    staged: Staged, python: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "import time; began = time.perf_counter(); import main, sys; "
        "print(round(1000 * (time.perf_counter() - began)), 'pytest' in sys.modules)"
    )
    took = {}
    for name in NAMES:
        took[name], dev = alone(python, "-c", code, cwd=staged.folder / name).split()
        assert dev == "False"
        assert alone(python, "-c", f"import main; main.{name}", cwd=staged.folder / name) == ""
    with capsys.disabled():
        told = ", ".join(f"{name} {milliseconds} ms" for name, milliseconds in took.items())
        sys.stdout.write(f"\ncold import: {told}\n")


@pytest.fixture(scope="module")
def up(staged: Staged, python: Path, emulators: Emulators) -> Iterator[Up]:
    settings = Settings.from_env().model_copy(
        update={
            "engine": "google",
            "home": staged.folder.parent / "home",
            "prefix": f"d{secrets.token_hex(4)}-",
            "flows": staged.flows,
            "threads": 8,
            "log": "json",
            "firestore_emulator_host": emulators.firestore,
            "pubsub_emulator_host": emulators.pubsub,
        }
    )
    instead = {name: staged.folder / name / "main.py" for name in NAMES}
    with brought_up(settings, instead=instead, python=str(python)) as up:
        yield up


def test_the_environment_is_the_one_that_terraform_sets(up: Up) -> None:
    given = set(up.settings.environment())
    assert {*local("environment"), *local("api_environment")} <= given


def test_ten_records_go_through_what_is_deployed(up: Up) -> None:
    api = up.standing.functions["api"]
    with Client(api) as client:
        told = smoke(client)
    assert told == "10 records succeeded, and their certificate holds"


def test_what_they_log_is_json_with_a_stable_action(up: Up) -> None:
    lines = [
        json.loads(line)
        for line in Path(up.standing.logs, "finalize.log").read_text().splitlines()
        if line.startswith("{")
    ]
    ended = [it for it in lines if it.get("action") == "batch.ended"]
    assert ended
    assert {"severity", "message", "time", "batch_id"} <= ended[0].keys()


def test_the_user_s_own_flows_are_there(up: Up) -> None:
    with Client(up.standing.functions["api"]) as client:
        run = client.wait_for_run(client.run_flow("triple", 14).run_id, timeout=100)
        assert (run.status, run.output) == ("succeeded", 42)
