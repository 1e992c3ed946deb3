"""An emulator that ends, or is restarted, in the midst of a batch: what it held is gone by design.
Whoever waits is told so, soon and clearly; nothing hangs, and nothing is left running.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fanfold.local.addresses import free_port
from fanfold.local.emulators import Programs, until_listening
from fanfold.local.process import Process, end_all
from tests.e2e.standing import FEW, GOOGLE, Gated, Up, until

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("can_start")]


@pytest.mark.parametrize("name", ["firestore", "pubsub"])
def test_when_an_emulator_of_its_own_dies_up_ends_and_who_waits_is_told(
    fanfold: Fanfold, name: str
) -> None:
    up = Up(fanfold)
    gated = Gated(fanfold, "waiting")
    os.kill(up.emulator(name), signal.SIGKILL)
    ended, waiting = up.going.end(), gated.going.end()

    assert ended.code == 1
    assert f"the {name} emulator was killed by SIGKILL, and what it held is gone" in ended.err
    assert waiting.code == 1
    assert "which had the functions up, has ended. What its emulators held is gone" in waiting.err
    until(lambda: up.started.left() == [])


class Theirs:
    """Emulators of somebody else's, who restarts them at will."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self.hosts = {name: f"127.0.0.1:{free_port()}" for name in ("firestore", "pubsub")}
        commands = {
            "firestore": programs.firestore_at(self.hosts["firestore"]),
            "pubsub": programs.pubsub_at(self.hosts["pubsub"]),
        }
        self.processes = {
            name: Process(name, command, folder / f"{name}.theirs")
            for name, command in commands.items()
        }
        for name in self.processes:
            self.start(name)

    def start(self, name: str) -> None:
        self.processes[name].start()
        until_listening(self.hosts[name], self.processes[name])

    def end(self, *names: str) -> None:
        end_all([self.processes[name] for name in names], seconds=0.0)

    @property
    def environment(self) -> dict[str, str]:
        return {f"{name.upper()}_EMULATOR_HOST": host for name, host in self.hosts.items()}


@pytest.fixture
def theirs(can_start: Programs, tmp_path: Path) -> Iterator[Theirs]:
    theirs = Theirs(can_start, tmp_path)
    yield theirs
    theirs.end(*theirs.processes)


def test_when_somebody_restarts_the_firestore_emulator_the_batch_is_said_to_be_gone(
    fanfold: Fanfold, theirs: Theirs
) -> None:
    gated = Gated(fanfold, "waiting", **theirs.environment)
    theirs.end("firestore")
    theirs.start("firestore")
    ended = gated.going.end()

    assert ended.code == 1
    assert "has been restarted, and keeps nothing. Create it again from its source" in ended.err


def test_when_an_emulator_is_gone_for_good_who_waits_is_told(
    fanfold: Fanfold, theirs: Theirs
) -> None:
    gated = Gated(fanfold, "waiting", **theirs.environment)
    theirs.end("firestore")
    ended = gated.going.end()

    assert ended.code == 1
    assert "the Firestore emulator has ended, and what it held is gone. Start it again" in ended.err


def test_when_somebody_restarts_the_pubsub_emulator_it_gets_its_topics_again(
    fanfold: Fanfold, theirs: Theirs
) -> None:
    up = fanfold.start("up", *GOOGLE, *FEW, **theirs.environment)
    up.until(lambda: "Ctrl-C stops it" in up.err)
    theirs.end("pubsub")
    refused = fanfold("create", "echo", fanfold.write("one.jsonl", [1]), *GOOGLE)
    theirs.start("pubsub")
    up.until(lambda: "the topics are made again" in up.err)
    ran = fanfold("run", "echo", fanfold.write("two.jsonl", [1, 2]), *GOOGLE, "--json")

    assert refused.code == 2
    assert f"nothing answers at PUBSUB_EMULATOR_HOST={theirs.hosts['pubsub']}" in refused.err
    assert (ran.code, ran.json["succeeded"]) == (0, 2), ran.err
    up.interrupt()
    assert up.end().code == 0
