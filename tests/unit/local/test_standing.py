"""What is up in a home: believed while the lock is held, and no longer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fanfold.local.standing import (
    FILE,
    AlreadyUp,
    Standing,
    announced,
    is_up,
    lock_of,
    standing_at,
)
from fanfold.settings import Settings


def standing(home: Path) -> Standing:
    return Standing(
        pid=4711,
        project="mine",
        database="(default)",
        prefix="",
        home=str(home),
        flows="",
        firestore="127.0.0.1:1",
        pubsub="127.0.0.1:2",
        functions={"run_flow": "http://127.0.0.1:3/"},
        logs=str(home / "logs"),
    )


def test_what_is_announced_is_found_as_long_as_it_lasts(tmp_path: Path) -> None:
    it = standing(tmp_path)
    with lock_of(tmp_path):
        assert standing_at(tmp_path) is None, "it begins: nothing answers yet"
        with announced(it):
            assert standing_at(tmp_path) == it
            assert is_up(tmp_path)
    assert standing_at(tmp_path) is None
    assert not is_up(tmp_path)
    assert not (tmp_path / FILE).exists()


def test_a_file_without_its_process_deceives_nobody(tmp_path: Path) -> None:
    with lock_of(tmp_path), announced(standing(tmp_path)):
        left = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(left)
    assert standing_at(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"later": true}'])
def test_a_file_of_another_version_is_nothing_up(tmp_path: Path, text: str) -> None:
    with lock_of(tmp_path):
        (tmp_path / FILE).write_text(text)
        assert standing_at(tmp_path) is None


def test_a_folder_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    assert standing_at(tmp_path / "home") is None
    assert not is_up(tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_a_second_one_is_refused_by_the_firsts_number(tmp_path: Path) -> None:
    with (
        lock_of(tmp_path),
        announced(standing(tmp_path)),
        pytest.raises(AlreadyUp, match="process 4711"),
        lock_of(tmp_path),
    ):
        pass


def test_exports_name_what_is_not_as_usual(tmp_path: Path) -> None:
    it = standing(tmp_path)
    assert it.exports() == {
        "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:2",
        "FANFOLD_ENGINE": "google",
        "FANFOLD_PROJECT": "mine",
        "FANFOLD_HOME": str(tmp_path),
    }
    more = replace(it, prefix="mine-", database="other").exports()
    assert (more["FANFOLD_PREFIX"], more["FANFOLD_DATABASE"]) == ("mine-", "other")


def test_whoever_uses_it_keeps_the_flows_that_are_its_own(tmp_path: Path) -> None:
    settings = standing(tmp_path).settings(Settings(flows="flows.py", home=Path("elsewhere")))
    assert (settings.engine, settings.project) == ("google", "mine")
    assert settings.firestore_emulator_host == "127.0.0.1:1"
    assert settings.home == tmp_path
    assert settings.flows == "flows.py"


def test_who_uses_it_keeps_blobs_where_its_functions_do(tmp_path: Path) -> None:
    it = replace(standing(tmp_path), bucket="gs://mine", storage="127.0.0.1:4")
    assert it.exports()["FANFOLD_BUCKET"] == "gs://mine"
    assert it.exports()["STORAGE_EMULATOR_HOST"] == "127.0.0.1:4"
    used = it.settings(Settings())
    assert (used.bucket, used.storage_emulator_host) == ("gs://mine", "127.0.0.1:4")
    assert "FANFOLD_BUCKET" not in standing(tmp_path).exports()
