"""Our functions: all of them, wherever the package lies, in the environment of a deployment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import fanfold
from fanfold.engines.google.presence import listens
from fanfold.local import functions
from fanfold.local.addresses import free_port, is_free
from fanfold.ports import Station
from fanfold.settings import Settings

CHECKOUT = Path(__file__).parents[3]


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As if the package lay there."""
    package = folder / "site-packages" / "fanfold"
    package.mkdir(parents=True)
    monkeypatch.setattr(fanfold, "__file__", str(package / "__init__.py"))
    return package


def test_in_a_checkout_they_are_beside_the_source() -> None:
    folder = functions.functions_folder()
    assert folder == CHECKOUT / "functions"
    assert {it.parent.name for it in folder.glob("*/main.py")} == set(functions.NAMES)


def test_a_wheel_brings_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = installed(tmp_path, monkeypatch)
    with pytest.raises(functions.FunctionsMissing):
        functions.functions_folder()
    (package / "_functions" / "run_flow").mkdir(parents=True)
    (package / "_functions" / "run_flow" / "main.py").touch()
    assert functions.functions_folder() == package / "_functions"


def test_each_station_is_served() -> None:
    assert set(functions.SERVES) == set(Station)
    assert set(functions.SERVES.values()) < set(functions.NAMES)


def test_the_environment_is_a_deployments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEBUG", "1")
    settings = Settings(
        engine="google", home=Path("home"), flows=os.pathsep.join(["a.py", "package"]),
        project="mine", threads=5, FIRESTORE_EMULATOR_HOST="f:1", PUBSUB_EMULATOR_HOST="p:2",
    )  # fmt: skip
    env = functions.environment_of("run_flow", settings)
    assert env["FANFOLD_ENGINE"] == "google"
    assert env["FANFOLD_PROJECT"] == "mine"
    assert env["FANFOLD_HOME"] == str(tmp_path / "home")
    assert env["FANFOLD_FLOWS"] == os.pathsep.join([str(tmp_path / "a.py"), "package"])
    assert (env["FIRESTORE_EMULATOR_HOST"], env["PUBSUB_EMULATOR_HOST"]) == ("f:1", "p:2")
    assert int(env["THREADS"]) >= int(env["FANFOLD_THREADS"]) == 5
    assert "DEBUG" not in env, "functions-framework would serve by a development server"


def test_a_port_is_free_until_somebody_listens(listening: str) -> None:
    assert not is_free(int(listening.rpartition(":")[2]))
    assert listens(listening)
    free = free_port()
    assert is_free(free)
    assert not listens(f"127.0.0.1:{free}")


def test_who_takes_connections_and_says_nothing_is_not_ready(listening: str) -> None:
    assert not functions.is_ready(int(listening.rpartition(":")[2]), 0.01)
