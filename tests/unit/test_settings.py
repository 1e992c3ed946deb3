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
        if name.startswith("FANFOLD_") or name.endswith("_EMULATOR_HOST"):
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


@pytest.mark.parametrize("place", ["", "records", "gs://records", "gs://records.acme.com/a/b"])
def test_a_bucket_is_a_name_or_a_place_in_it(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("FANFOLD_BUCKET", place)
    assert Settings.from_env().bucket == place


@pytest.mark.parametrize("place", ["s3://records", "/records", "gs://", "Records", "gs://r"])
def test_what_is_no_bucket_is_refused(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("FANFOLD_BUCKET", place)
    with pytest.raises(SettingsInvalid, match="FANFOLD_BUCKET"):
        Settings.from_env()


def test_a_process_of_our_own_keeps_its_blobs_in_the_same_bucket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = Settings.model_validate(
        {"bucket": "gs://records/a", "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1"}
    )
    assert "STORAGE_EMULATOR_HOST" not in Settings().environment()
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    theirs = Settings.from_env()
    assert (theirs.bucket, theirs.storage_emulator_host) == ("gs://records/a", "http://127.0.0.1:1")


@pytest.mark.parametrize(
    "auth",
    [
        *("ftp://x.org", "x.org", "http://x.org", "none,https://x.org"),
        *("https://u@x.org", "https://x.org?a=b"),
    ],
)
def test_what_is_no_issuer_is_refused(monkeypatch: pytest.MonkeyPatch, auth: str) -> None:
    monkeypatch.setenv("FANFOLD_AUTH", auth)
    monkeypatch.setenv("FANFOLD_AUDIENCE", "fanfold")
    with pytest.raises(SettingsInvalid, match="FANFOLD_AUTH"):
        Settings.from_env()


def test_issuers_are_separated_by_blanks_or_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANFOLD_AUTH", "https://a.org, https://b.org/ http://127.0.0.1:1")
    monkeypatch.setenv("FANFOLD_AUDIENCE", "fanfold")
    issuers = Settings.from_env().issuers
    assert issuers == ("https://a.org", "https://b.org/", "http://127.0.0.1:1")


def test_issuers_need_an_audience_and_all_that_is_wrong_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FANFOLD_AUTH", "https://a.org")
    monkeypatch.setenv("FANFOLD_PUSH_ACCOUNT", "nobody")
    monkeypatch.setenv("FANFOLD_GROUPS_CLAIM", "")
    with pytest.raises(SettingsInvalid) as refusal:
        Settings.from_env()
    for name in ("FANFOLD_AUDIENCE", "FANFOLD_PUSH_ACCOUNT", "FANFOLD_GROUPS_CLAIM"):
        assert name in str(refusal.value)


def test_an_audience_of_pushes_needs_their_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANFOLD_PUSH_AUDIENCE", "functions")
    with pytest.raises(SettingsInvalid, match="FANFOLD_PUSH_ACCOUNT"):
        Settings.from_env()


def test_a_process_of_our_own_asks_the_same_people(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "auth": "https://a.org",
        "audience": "fanfold",
        "admins": "ann, group:ops",
        "groups_claim": "roles",
        "push_account": "push@a.org",
        "push_audience": "functions",
    }
    for name, value in Settings.model_validate(given).environment().items():
        monkeypatch.setenv(name, value)
    theirs = Settings.from_env()
    assert {name: getattr(theirs, name) for name in given} == given
    assert theirs.admin_people == ("ann", "group:ops")
