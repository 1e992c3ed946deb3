"""`fanfold deploy` and `destroy`: what they print, run, and refuse. Terraform is a script here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

TERRAFORM = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$*" in *"$FAILS"*) [ -z "$FAILS" ] || { echo "no such project" >&2; exit 1; };; esac
"""


@pytest.fixture
def environment(fanfold: Fanfold) -> dict[str, str]:
    """With a terraform that notes what it is asked for."""
    programs = fanfold.folder / "programs"
    programs.mkdir()
    (programs / "terraform").write_text(TERRAFORM)
    (programs / "terraform").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "CALLS": str(fanfold.folder / "calls"), "FAILS": ""}


def calls(fanfold: Fanfold) -> list[str]:
    path = fanfold.folder / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_a_dry_run_stages_and_prints_and_runs_nothing(
    fanfold: Fanfold, environment: dict[str, str]
) -> None:
    fanfold.write_text("mine.py", "from fanfold import flow\n")
    done = fanfold(
        "deploy", "--project", "p", "--prefix", "team-", "--flows", "mine.py", "--dry-run",
        "--json", **environment,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["flows"] == "fanfold.flows.echo:mine"
    for command in done.json["commands"]:
        assert f"$ {command}" in done.err
    assert calls(fanfold) == []
    assert (fanfold.folder / "build" / "functions" / "run_flow.zip").exists()
    variables = (fanfold.folder / "build" / "infra" / "fanfold.auto.tfvars.json").read_text()
    assert '"project": "p"' in variables
    assert '"prefix": "team-"' in variables


def test_it_runs_what_it_prints_in_that_order(
    fanfold: Fanfold, environment: dict[str, str]
) -> None:
    fanfold.write_text("dev.tfvars", 'region = "europe-west1"\n')
    done = fanfold(
        "deploy", "--project", "p", "--var-file", "dev.tfvars", "--state", "gs://states/mine",
        "--yes", **environment,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert calls(fanfold) == [
        "-chdir=build/infra init -input=false",
        "-chdir=build/infra apply -auto-approve",
        "-chdir=build/infra output -json",
    ]
    infra = fanfold.folder / "build" / "infra"
    assert (infra / "0-dev.auto.tfvars").read_text() == 'region = "europe-west1"\n'
    assert '"prefix": "mine"' in (infra / "backend.tf.json").read_text()


def test_the_first_command_that_fails_ends_it(
    fanfold: Fanfold, environment: dict[str, str]
) -> None:
    environment["FAILS"] = "init"
    done = fanfold("deploy", "--project", "p", **environment)
    assert done.code == 1
    assert "no such project" in done.err
    assert "init -input=false` exited with 1" in done.err
    assert len(calls(fanfold)) == 1


def test_destroy_needs_nothing_staged_and_asks_unless_it_is_told_not_to(
    fanfold: Fanfold, environment: dict[str, str]
) -> None:
    for more, last in (((), "destroy"), (("--yes",), "destroy -auto-approve")):
        done = fanfold("destroy", "--project", "p", *more, **environment)
        assert done.code == 0, done.err
        assert calls(fanfold)[-1] == f"-chdir=build/infra {last}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("deploy", "--flows", "nothing.py"), "nothing.py is not there"),
        (("deploy", "--var-file", "nothing.tfvars"), "there is no such file"),
        (("deploy", "--requirements", "nothing.txt"), "No such file"),
        (("destroy", "--state", "file.tfstate"), "name a bucket"),
        (("deploy", "--wheel", "nothing.whl"), "is not there"),
        (("deploy", "--lock", "nothing.lock"), "nothing.lock is not there"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_run(
    fanfold: Fanfold, environment: dict[str, str], arguments: tuple[str, ...], says: str
) -> None:
    done = fanfold(*arguments, **environment)
    assert (done.code in (1, 2), says in done.err) == (True, True), done.err
    assert calls(fanfold) == []


def test_without_terraform_it_says_where_to_get_it(fanfold: Fanfold) -> None:
    done = fanfold("destroy", "--project", "p", PATH=str(Path("/nowhere")))
    assert done.code == 1
    assert "There is no terraform here" in done.err
