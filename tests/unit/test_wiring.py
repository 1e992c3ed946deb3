"""Adapters are chosen by the settings, and nothing is loaded that they do not ask for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.errors import SettingsInvalid
from fanfold.settings import Settings
from fanfold.testing.cloud.storage import Storage, running_storage
from fanfold.wiring import open_google

#: nothing listens there, and nothing is asked there
NOWHERE = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running_storage("mine") as storage:
        yield storage


def of_google(home: Path, **changes: str) -> Settings:
    return Settings.model_validate({"home": home, **NOWHERE, **changes})


def test_blobs_are_in_the_bucket_that_is_set(tmp_path: Path, storage: Storage) -> None:
    settings = of_google(tmp_path, bucket="gs://mine/team", STORAGE_EMULATOR_HOST=storage.url)
    with open_google(settings) as ports:
        ports.blobs.write("a", [b"one"])
    assert set(storage.objects.all("mine")) == {"team/a"}
    assert list(tmp_path.iterdir()) == []


def test_blobs_are_in_the_home_where_no_bucket_is_set(tmp_path: Path, storage: Storage) -> None:
    with open_google(of_google(tmp_path, STORAGE_EMULATOR_HOST=storage.url)) as ports:
        ports.blobs.write("a", [b"one"])
    assert (tmp_path / "blobs" / "a").read_bytes() == b"one"
    assert storage.operations.calls.total() == 0


PROBE = """
import sys
from pathlib import Path
from fanfold.settings import Settings
from fanfold.wiring import open_google
with open_google(Settings.from_env()) as ports:
    print("gcsfs" in sys.modules)
"""


@pytest.mark.parametrize("bucket", ["", "gs://mine"])
def test_the_libraries_of_buckets_are_loaded_for_a_bucket_only(tmp_path: Path, bucket: str) -> None:
    env = of_google(tmp_path, bucket=bucket).environment()
    told = subprocess.run(
        [sys.executable, "-c", PROBE], env=env, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(bool(bucket))


def test_a_bucket_without_its_libraries_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "fanfold.engines.google.bucket_blobs", raising=False)
    monkeypatch.delitem(sys.modules, "fanfold.engines.google.bucket", raising=False)
    monkeypatch.setitem(sys.modules, "gcsfs.core", None)
    with (
        pytest.raises(SettingsInvalid, match=r"FANFOLD_BUCKET needs gcsfs.*'fanfold\[google\]'"),
        open_google(of_google(tmp_path, bucket="gs://mine")),
    ):
        pass
