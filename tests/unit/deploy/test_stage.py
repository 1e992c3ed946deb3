"""What is staged: the same input gives the same bytes, and nothing is there but what belongs."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from fanfold.deploy.stage import Staged, stage
from fanfold.deploy.wheel import WheelMissing, built
from fanfold.errors import OptionInvalid
from fanfold.local.functions import NAMES


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "given" / "fanfold-1-py3-none-any.whl"
    path.parent.mkdir()
    path.write_bytes(b"wheel")
    return path


def package(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "flows.py").write_text("x = 1\n")
    (folder / "__pycache__" / "flows.cpython-311.pyc").write_bytes(b"compiled")
    (folder / ".env").write_text("SECRET=1\n")
    return folder


def test_the_same_input_gives_the_same_archives_whenever_it_is_staged(
    tmp_path: Path, wheel: Path
) -> None:
    folder = package(tmp_path)
    first = stage(tmp_path / "one" / "functions", [folder], given=wheel)
    os.utime(folder / "flows.py", (1, 1))
    second = stage(tmp_path / "two" / "functions", [folder], given=wheel)
    assert first.digests == second.digests
    (folder / "flows.py").write_text("x = 2\n")
    third = stage(tmp_path / "two" / "functions", [folder], given=wheel)
    assert not set(third.digests.values()) & set(first.digests.values())


def test_a_function_has_its_entry_the_wheel_the_pins_and_the_user_s_flows(
    tmp_path: Path, wheel: Path
) -> None:
    staged = stage(tmp_path / "functions", [package(tmp_path)], ["other.flows"], given=wheel)
    assert staged.flows == "other.flows:mine"
    assert set(staged.digests) == set(NAMES)
    for name in NAMES:
        with zipfile.ZipFile(staged.folder / f"{name}.zip") as archive:
            assert archive.namelist() == [
                wheel.name, "main.py", "mine/__init__.py", "mine/flows.py", "requirements.txt",
            ]  # fmt: skip
            assert f"def {name}(" in archive.read("main.py").decode()
    worker = staged.folder / "worker"
    assert 'CMD ["fanfold", "worker"' in (worker / "Dockerfile").read_text()
    assert not (worker / "main.py").exists()


def test_what_was_staged_before_is_gone(tmp_path: Path, wheel: Path) -> None:
    stage(tmp_path / "functions", [package(tmp_path)], given=wheel)
    staged: Staged = stage(tmp_path / "functions", given=wheel)
    assert not (staged.folder / "run_flow" / "mine").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing.py", "is not there"),
        ("notes.txt", "is no module"),
        ("my-flows.py", "is no module"),
        ("main.py", "has a main of its own"),
        ("folder", "is no module"),
    ],
)
def test_what_is_no_module_is_refused(tmp_path: Path, wheel: Path, name: str, says: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif name != "nothing.py":
        path.write_text("")
    with pytest.raises(OptionInvalid, match=says):
        stage(tmp_path / "functions", [path], given=wheel)


def test_a_wheel_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(WheelMissing, match="is not there"):
        built(tmp_path, tmp_path / "nothing.whl")


def test_a_wheel_is_built_of_the_checkout_with_the_functions_and_the_terraform(
    tmp_path: Path,
) -> None:
    with zipfile.ZipFile(built(tmp_path / "wheel")) as wheel:
        names = set(wheel.namelist())
    assert {"fanfold/_functions/run_flow/main.py", "fanfold/_infra/versions.tf"} <= names
    assert {"fanfold/_infra/declared.json", "fanfold/_requirements.lock"} <= names
