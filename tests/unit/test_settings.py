"""The environment: read once, and everything said that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fanfold.errors import SettingsInvalid
from fanfold.settings import Settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("FANFOLD_"):
            monkeypatch.delenv(name)


def test_nothing_need_be_set() -> None:
    settings = Settings.from_env()
    assert settings.home == Path(".fanfold")
    assert settings.flow_places == ()


def test_the_places_of_flows_are_separated_as_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANFOLD_FLOWS", os.pathsep.join(["a.py", "", "package.module"]))
    assert Settings.from_env().flow_places == ("a.py", "package.module")


def test_what_is_wrong_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANFOLD_ENGINE", "steam")
    with pytest.raises(SettingsInvalid) as refusal:
        Settings.from_env()
    assert "FANFOLD_ENGINE" in str(refusal.value)
    assert "'steam'" in str(refusal.value)


def test_settings_do_not_change_with_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_env()
    monkeypatch.setenv("FANFOLD_HOME", "elsewhere")
    assert settings.home == Path(".fanfold")


def test_a_process_of_our_own_has_the_same_settings_wherever_it_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flows.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FANFOLD_HOME", "here")
    monkeypatch.setenv("FANFOLD_FLOWS", os.pathsep.join(["flows.py", "package.module"]))
    theirs = Settings.from_env().environment()
    monkeypatch.chdir("/")
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_env()
    assert settings.home == tmp_path / "here"
    assert settings.flow_places == (str(tmp_path / "flows.py"), "package.module")
