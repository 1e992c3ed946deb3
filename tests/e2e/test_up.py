"""`fanfold up`, and every command on the google engine: real emulators, functions as deployed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from fanfold.local.emulators import Emulators, running_emulators
from tests.e2e.standing import FEW, GOOGLE, Gated, Started, Up, processes, until

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold

pytestmark = pytest.mark.usefixtures("bare")


@pytest.fixture(scope="class")
def up(can_start: None, shared_fanfold: Fanfold) -> Iterator[Up]:  # noqa: ARG001  first
    up = Up(shared_fanfold)
    yield up
    if up.going.process.poll() is None:
        up.end(signal.SIGTERM)


@pytest.mark.slow
class TestWhileItIsUp:
    """In order, with one `up`; the last one ends it."""

    def test_it_tells_what_runs_where_and_the_environment_to_reach_it(self, up: Up) -> None:
        assert len(up.started.programs) == 2 + 6 + 1, "emulators, functions, and their guard"
        for name in ("firestore emulator", "pubsub emulator", *up.told["functions"]):
            assert f"\n{name} " in up.going.err
        assert f"logs in {up.fanfold.home}/logs" in up.going.err
        exports = up.fanfold.inside("up", "--env").out
        shell = f'eval "{exports}"; echo $PUBSUB_EMULATOR_HOST $FANFOLD_ENGINE $FANFOLD_HOME'
        said = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
        assert said.stdout.split() == [up.told["pubsub"], "google", str(up.fanfold.home)]

    def test_a_run_completes_with_a_certificate_that_holds(self, up: Up) -> None:
        source = up.fanfold.write("thirty.jsonl", [{"id": n} for n in range(30)])

        ran = up.fanfold("run", "echo", source, *GOOGLE, "--json")

        assert ran.code == 0, ran.err
        assert (ran.json["status"], ran.json["succeeded"]) == ("completed", 30)
        assert f"the functions that process {up.told['pid']} has up" in ran.err
        verified = up.fanfold.inside("verify", ran.json["batch_id"], *GOOGLE, "--json")
        assert (verified.json["holds"], verified.json["recounted_succeeded"]) == (True, 30)

    def test_what_is_created_is_worked_on_and_seen_by_every_command(self, up: Up) -> None:
        """In the environment that `up` prints, no option is needed."""
        env = up.told["environment"]
        created = up.fanfold("create", up.fanfold.flow("sums"), "--label", "nightly", **env)
        batch_id = created.out.split()[-1]
        assert f"watch it: fanfold attach {batch_id}" in created.err

        waited = up.fanfold.inside("wait", batch_id, "--json", **env)
        seen = up.fanfold.inside("status", batch_id, *GOOGLE, "--json").json

        assert (waited.code, waited.json["output"]) == (0, {"sum": 6, "order": [0, 1, 2, 3]})
        assert (seen["status"], seen["label"]) == ("completed", "nightly")
        lines = up.fanfold.inside("results", batch_id, *GOOGLE).lines
        assert [it["output"] for it in lines] == [0, 1, 2, 3]
        listed = up.fanfold.inside("list", *GOOGLE, "--json").json["batches"]
        assert listed[0]["batch_id"] == batch_id
        assert up.fanfold.batches() == [], "the embedded engine has batches of its own"

    def test_any_client_of_pubsub_starts_a_batch(self, up: Up) -> None:
        """As docs/fan-out-message.md says, with nothing of ours."""
        from google.cloud.pubsub_v1 import PublisherClient  # type: ignore[import-untyped]

        message = {"v": 1, "flow": "echo", "records": [{"id": "a"}, {"id": "b"}], "label": "plain"}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PUBSUB_EMULATOR_HOST", up.told["pubsub"])
            publisher = PublisherClient()
        topic = publisher.topic_path(up.told["project"], "fanfold-fan-out")
        publisher.publish(topic, json.dumps(message).encode()).result()
        publisher.stop()

        def batches() -> list[Any]:
            listed: list[Any] = up.fanfold.inside("list", *GOOGLE, "--json").json["batches"]
            return [it for it in listed if it["label"] == "plain"]

        up.going.until(batches)
        waited = up.fanfold.inside("wait", batches()[0]["batch_id"], *GOOGLE, "--json")
        assert (waited.code, waited.json["succeeded"]) == (0, 2), waited.err
        lines = up.fanfold.inside("results", waited.json["batch_id"], *GOOGLE).lines
        assert [it["output"] for it in lines] == [{"id": "a"}, {"id": "b"}]

    def test_ctrl_c_leaves_the_batch_running(self, up: Up) -> None:
        gated = Gated(up.fanfold, "left")
        gated.going.interrupt()
        left = gated.going.end()

        assert left.code == 130
        assert "it goes on without you. Watch it again: fanfold attach batch-" in left.err
        gated.gate.touch()
        attached = up.fanfold("attach", "last", *GOOGLE, "--json")
        assert (attached.code, attached.json["succeeded"]) == (0, 2), attached.err

    def test_who_would_get_in_its_way_is_refused(self, up: Up) -> None:
        again = up.fanfold.inside("up", *GOOGLE)
        worker = up.fanfold.inside("worker", *GOOGLE)

        assert (again.code, again.out) == (1, "")
        assert f"process {up.told['pid']} is up in {up.fanfold.home} already" in again.err
        assert worker.code == 1
        assert "cannot be pulled" in worker.err

    def test_a_function_that_dies_is_started_again(self, up: Up) -> None:
        def masters() -> list[int]:
            return [
                row["pid"]
                for row in processes()
                if row["parent"] == up.going.process.pid and "--target run_flow" in row["program"]
            ]

        up.going.until(lambda: len(masters()) == 1)
        os.kill(masters()[0], signal.SIGKILL)
        up.going.until(lambda: "run_flow was killed by SIGKILL; started again" in up.going.err)
        source = up.fanfold.write("three.jsonl", [1, 2, 3])

        ran = up.fanfold("run", "echo", source, *GOOGLE, "--json")

        assert (ran.code, ran.json["succeeded"]) == (0, 3), ran.err
        up.started = Started(up.going, *up.told["functions"].values())

    def test_ctrl_c_stops_everything_it_started(self, up: Up) -> None:
        ended = up.end(signal.SIGINT)

        assert ended.code == 0, ended.err
        assert up.started.left() == []
        assert not (up.fanfold.home / "up.json").exists()
        late = up.fanfold.inside("status", "last", *GOOGLE)
        assert (late.code, late.out) == (2, "")
        assert "Start it in another terminal: fanfold up --engine google" in late.err


@pytest.mark.slow
@pytest.mark.usefixtures("can_start")
def test_what_is_up_ends_also_when_the_command_is_killed(fanfold: Fanfold) -> None:
    up = Up(fanfold)

    up.end(signal.SIGKILL)

    until(lambda: up.started.left() == [])
    assert fanfold.inside("up", "--env").code == 2, "what it wrote deceives nobody"


@pytest.mark.slow
@pytest.mark.usefixtures("can_start")
def test_a_run_brings_up_what_it_needs_and_stops_it(fanfold: Fanfold) -> None:
    gated = Gated(fanfold, "own")
    standing = json.loads((fanfold.home / "up.json").read_text())
    hosts = (standing["firestore"], standing["pubsub"], *standing["functions"].values())
    started = Started(gated.going, *hosts)
    gated.gate.touch()
    ended = gated.going.end()

    assert ended.code == 0, ended.err
    assert [it["output"] for it in fanfold.read("own.out")] == ["through"] * 2
    assert len(started.programs) == 2 + 6 + 1
    assert started.left() == []
    assert "fanfold results" not in ended.err, "it would find nothing any more"


@pytest.fixture
def named(can_start: None) -> Iterator[dict[str, str]]:  # noqa: ARG001  first
    """The environment of emulators that are somebody else's."""
    emulators: Emulators
    with running_emulators() as emulators:
        yield {
            "FIRESTORE_EMULATOR_HOST": emulators.firestore,
            "PUBSUB_EMULATOR_HOST": emulators.pubsub,
        }


@pytest.mark.slow
def test_on_emulators_of_somebody_elses_a_batch_outlives_the_run(
    fanfold: Fanfold, named: dict[str, str]
) -> None:
    gated = Gated(fanfold, "kept", **named)
    started = Started(gated.going)
    gated.going.interrupt()
    ended = gated.going.end()
    assert ended.code == 130
    assert "Go on: fanfold attach batch-" in ended.err
    assert len(started.programs) == 6 + 1, "no emulators of its own"
    assert started.left() == []

    gated.gate.touch()
    attached = fanfold("attach", "last", *GOOGLE, *FEW, "--json", **named)
    assert (attached.code, attached.json["succeeded"]) == (0, 2), attached.err

    # and now nobody pushes: whoever wants may pull
    fanfold("create", "echo", fanfold.write("two.jsonl", [1, 2]), *GOOGLE, **named)
    worked = fanfold("worker", "--until-idle", *GOOGLE, *FEW, **named)
    assert worked.code == 0, worked.err
    seen = fanfold.inside("status", "last", *GOOGLE, "--json", **named).json
    assert (seen["status"], seen["succeeded"]) == ("completed", 2)


@pytest.mark.usefixtures("can_start")
def test_a_port_that_is_taken_is_named_before_anything_starts(fanfold: Fanfold) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = fanfold.inside("up", "--port", str(port))

    assert (ended.code, ended.out) == (2, "")
    assert "8 ports from there on are needed" in ended.err


def test_without_java_and_gcloud_it_says_what_is_missing(fanfold: Fanfold) -> None:
    bare = {"PATH": str(fanfold.folder)}

    run = fanfold.inside("run", "echo", fanfold.write("one.jsonl", [1]), *GOOGLE, **bare)
    google = fanfold.inside("doctor", *GOOGLE, "--json", **bare)
    embedded = fanfold.inside("doctor", **bare)

    assert (run.code, run.out) == (1, "")
    assert "no java here" in run.err
    missing = {it["what"]: it for it in google.json["findings"] if it["verdict"] == "missing"}
    assert set(missing) == {"java", "gcloud", "emulators"}
    assert "OpenJDK" in missing["java"]["remedy"]
    assert (google.code, google.json["works"]) == (1, False)
    assert embedded.code == 0
    assert re.search(r"missing +google +java: not on the PATH", embedded.out)
    assert embedded.err == "fanfold: the embedded engine can work on this machine\n"
