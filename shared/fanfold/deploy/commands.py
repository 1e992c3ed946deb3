"""What `fanfold deploy` and `fanfold destroy` run: commands that anybody could type, as printed.

build/infra/                 the Terraform of infra/, as it is applied
build/infra/fanfold.auto.tfvars.json      what was asked for
build/infra/backend.tf.json               where its state is, if that is a bucket
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fanfold
from fanfold.deploy.wheel import checkout
from fanfold.errors import FanfoldError, OptionInvalid

_BUCKET = "gs://"


class CommandFailed(FanfoldError):
    """A command of the deployment failed; it said why. What is done stays: run it again."""


class TerraformMissing(FanfoldError):
    """There is no terraform here. Install it: https://developer.hashicorp.com/terraform/install"""


@dataclass(frozen=True, slots=True)
class Command:
    words: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(self.words)


def infra_folder() -> Path:
    """In a checkout beside `shared/`, in a wheel in `fanfold/_infra`."""
    root, package = checkout(), Path(fanfold.__file__).resolve().parent
    for place in ([] if root is None else [root / "infra"]) + [package / "_infra"]:
        if (place / "versions.tf").is_file():
            return place
    raise OptionInvalid("the Terraform is not beside the package. Install fanfold from a wheel")


def prepared(
    into: Path, variables: Mapping[str, Any], var_files: Sequence[Path], state: str | None
) -> Path:
    """The folder that Terraform is to work in; what it has of its own there stays."""
    into.mkdir(parents=True, exist_ok=True)
    for old in (*into.glob("*.tf"), *into.glob("*.auto.tfvars"), *into.glob("*.tf.json")):
        old.unlink()
    source = infra_folder()
    for path in (*source.glob("*.tf"), source / "declared.json"):
        shutil.copy(path, into / path.name)
    for number, path in enumerate(var_files):
        if not path.is_file():
            raise OptionInvalid(f"--var-file {path}: there is no such file")
        shutil.copy(path, into / f"{number}-{path.stem}.auto.tfvars")
    (into / "fanfold.auto.tfvars.json").write_text(json.dumps(variables, indent=2) + "\n")
    if state is not None:
        (into / "backend.tf.json").write_text(json.dumps(_backend(state), indent=2) + "\n")
    return into


def _backend(state: str) -> dict[str, Any]:
    bucket, _, prefix = state.removeprefix(_BUCKET).partition("/")
    if not state.startswith(_BUCKET) or not bucket:
        raise OptionInvalid(f"--state {state}: name a bucket, such as gs://my-states/fanfold")
    backend = {"bucket": bucket, **({"prefix": prefix} if prefix else {})}
    return {"terraform": {"backend": {"gcs": backend}}}


def to_deploy(folder: Path, *, approve: bool) -> list[Command]:
    yes = ("-auto-approve",) if approve else ()
    return [
        _terraform(folder, "init", "-input=false"),
        _terraform(folder, "apply", *yes),
        _terraform(folder, "output", "-json"),
    ]


def to_destroy(folder: Path, *, approve: bool) -> list[Command]:
    yes = ("-auto-approve",) if approve else ()
    return [_terraform(folder, "init", "-input=false"), _terraform(folder, "destroy", *yes)]


def _terraform(folder: Path, *words: str) -> Command:
    return Command(("terraform", f"-chdir={folder}", *words))


def run(commands: Sequence[Command], say: Callable[[str], None], *, dry: bool) -> None:
    """Each after the other, printed first; the first that fails ends it."""
    if not dry and shutil.which("terraform") is None:
        raise TerraformMissing
    for command in commands:
        say(f"$ {command}")
        if dry:
            continue
        done = subprocess.run(command.words, check=False)  # noqa: S603  printed, and asked for
        if done.returncode:
            raise CommandFailed(f"`{command}` exited with {done.returncode}")
