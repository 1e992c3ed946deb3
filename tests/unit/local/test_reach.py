"""Which engine a command means, and what it says when nobody is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.local.addresses import free_port
from fanfold.local.reach import NothingUp, Reach, reach
from fanfold.local.standing import Standing, announced, lock_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def up(home: Path, listening: str) -> Iterator[Standing]:
    standing = Standing(
        pid=4711, project="fanfold-local", database="(default)", prefix="", home=str(home),
        flows="", firestore=listening, pubsub=listening, functions={}, logs="",
    )  # fmt: skip
    with lock_of(home), announced(standing):
        yield standing


@pytest.mark.usefixtures("up")
def test_the_embedded_engine_is_always_there() -> None:
    reached = reach()
    reached.check()
    assert (reached.settings.engine, reached.standing) == ("embedded", None)
    assert not reached.can_be_brought_up


def test_the_option_goes_before_the_environment(
    up: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_ENGINE", "google")
    assert reach("embedded").settings.engine == "embedded"
    assert reach().standing == up


def test_what_is_up_in_the_home_is_used(up: Standing) -> None:
    reached = reach("google")
    reached.check()
    assert reached.settings.pubsub_emulator_host == up.pubsub
    assert not reached.can_be_brought_up


def test_in_the_environment_of_what_is_up_it_is_recognised(
    up: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in up.exports().items():
        monkeypatch.setenv(name, value)
    assert reach().standing == up


@pytest.mark.usefixtures("up")
def test_emulators_that_the_environment_names_go_before_what_is_up(
    listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"localhost:{listening.rpartition(':')[2]}")
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", listening)
    reached = reach("google")
    reached.check()
    assert reached.standing is None
    assert reached.can_be_brought_up


def test_nothing_up_is_refused_with_the_remedy(home: Path) -> None:
    reached = reach("google")
    assert reached.can_be_brought_up
    with pytest.raises(NothingUp, match=f"up in {home}.*fanfold up --engine google"):
        reached.check()


def test_an_emulator_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
    with pytest.raises(NothingUp, match=f"FIRESTORE_EMULATOR_HOST={host}"):
        reach("google").check()


def test_one_emulator_alone_is_refused(listening: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the other half would be looked for in the cloud."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", listening)
    with pytest.raises(NothingUp, match="PUBSUB_EMULATOR_HOST is not set"):
        reach("google").check()


def test_a_project_of_ones_own_is_the_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FANFOLD_PROJECT", "acme-prod")
    reached: Reach = reach("google")
    reached.check()
    assert reached.is_cloud
    assert not reached.can_be_brought_up
