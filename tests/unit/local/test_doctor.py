"""What this machine lacks: each finding by itself, and the verdict by engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fanfold.local import doctor, libraries
from fanfold.local.addresses import free_port
from fanfold.local.doctor import Finding, Verdict, can_work, examine
from fanfold.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No other program is asked: gcloud takes seconds to answer."""
    monkeypatch.setenv("PATH", str(tmp_path))


def found(findings: list[Finding]) -> dict[str, Finding]:
    return {it.what: it for it in findings}


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_without_java_and_gcloud_only_the_google_engine_is_out_of_reach(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    findings = examine(settings)
    missing = {it.what for it in findings if it.verdict is Verdict.MISSING}
    assert missing == {"java", "gcloud", "emulators"}
    assert can_work(findings, "embedded")
    assert not can_work(findings, "google")
    assert all(it.remedy for it in findings if it.verdict is Verdict.MISSING)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ('openjdk version "17.0.15" 2025-04-15', Verdict.OK),
        ('openjdk version "21" 2023-09-19', Verdict.OK),
        ('java version "1.8.0_292"', Verdict.MISSING),
        ("who knows", Verdict.WARNING),
    ],
)
def test_java_must_be_new_enough(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, verdict: Verdict
) -> None:
    program(tmp_path, "java", f"echo '{told}' >&2")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(examine(settings))["java"].verdict is verdict


def test_a_sdk_without_the_components_says_how_to_install_them(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "gcloud", f"echo {tmp_path}")
    monkeypatch.setenv("PATH", str(tmp_path))
    it = found(examine(settings))["emulators"]
    assert it.verdict is Verdict.MISSING
    assert it.remedy == "gcloud components install cloud-firestore-emulator pubsub-emulator"


def test_the_emulators_are_found_beside_gcloud_which_is_not_asked_then(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firestore = tmp_path / "sdk" / "platform" / "cloud-firestore-emulator"
    pubsub = tmp_path / "sdk" / "platform" / "pubsub-emulator" / "lib"
    for folder in (firestore, pubsub, tmp_path / "sdk" / "bin"):
        folder.mkdir(parents=True)
    (firestore / "cloud-firestore-emulator.jar").touch()
    (pubsub / "cloud-pubsub-emulator-0.8.jar").touch()
    program(tmp_path / "sdk" / "bin", "gcloud", f"touch {tmp_path / 'asked'}")
    (tmp_path / "gcloud").symlink_to(tmp_path / "sdk" / "bin" / "gcloud")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(examine(settings))["emulators"].verdict is Verdict.OK
    assert not (tmp_path / "asked").exists()


def test_emulators_that_are_named_need_no_java_but_must_answer(
    settings: Settings, listening: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    hosts = {"firestore_emulator_host": listening, "pubsub_emulator_host": listening}
    findings = examine(settings.model_copy(update=hosts))
    assert {"java", "gcloud", "emulators"}.isdisjoint(found(findings))
    assert can_work(findings, "google")

    hosts["pubsub_emulator_host"] = f"127.0.0.1:{free_port()}"
    findings = examine(settings.model_copy(update=hosts))
    assert found(findings)["PUBSUB_EMULATOR_HOST"].verdict is Verdict.MISSING
    assert not can_work(findings, "google")


@pytest.mark.usefixtures("alone")
def test_a_missing_library_is_named_with_the_extra_that_brings_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "_CLIENTS", {"google-cloud-imagined": "google.cloud.imagined"})
    it = found(examine(settings))["libraries"]
    assert (it.verdict, it.found) == (Verdict.MISSING, "google-cloud-imagined")
    assert it.remedy == "pip install 'fanfold[google]'"


def test_a_bucket_needs_a_library_of_its_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "gcsfs" not in found(examine(settings))
    settings = settings.model_copy(update={"bucket": "gs://records"})
    it = found(examine(settings))["gcsfs"]
    assert (it.verdict, it.found) == (Verdict.OK, "installed, for gs://records; not called")
    monkeypatch.setattr(libraries, "_BUCKETS", {"gcsfs": "gcsfs_imagined"})
    it = found(examine(settings))["gcsfs"]
    assert (it.verdict, it.remedy) == (Verdict.MISSING, "pip install 'fanfold[google]'")


@pytest.mark.usefixtures("alone")
def test_a_home_that_cannot_be_made_or_is_on_the_network_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    inside = settings.model_copy(update={"home": tmp_path / "file" / "home"})
    findings = examine(inside)
    assert found(findings)["home"].verdict is Verdict.MISSING
    assert not can_work(findings, "embedded")

    monkeypatch.setattr(doctor, "file_system_of", lambda _path: "nfs4")
    assert "nfs4" in found(examine(settings))["home"].found


@pytest.mark.usefixtures("alone")
def test_a_home_is_not_made_by_looking_at_it(settings: Settings) -> None:
    assert found(examine(settings))["home"].verdict is Verdict.OK
    assert not settings.home.exists()


@pytest.mark.usefixtures("alone")
def test_little_memory_is_a_warning(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemAvailable:    204800 kB\n")
    monkeypatch.setattr(doctor, "_MEMORY", tmp_path / "meminfo")
    it = found(examine(settings))["memory"]
    assert (it.verdict, it.found) == (Verdict.WARNING, "200 MiB free")


def test_with_a_project_in_the_cloud_no_emulator_is_looked_for(settings: Settings) -> None:
    findings = found(examine(settings.model_copy(update={"project": "acme-prod"})))
    assert "acme-prod" in findings["cloud"].found
    assert "java" not in findings
