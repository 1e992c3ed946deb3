"""Dead letters on the command line: looked at, and brought back."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from fanfold.domain.letter import Fate
from fanfold.domain.messages import RunMessage
from fanfold.domain.run import RunState
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.provision import provision
from fanfold.ports import Delivery, Ports, Station
from fanfold.steps.dead_letter import dead_letter
from fanfold.testing.clock import StillClock
from fanfold.testing.cloud import running_cloud
from fanfold.testing.conformance.rig import live
from fanfold.testing.stations import fanned_out, runs_taken

if TYPE_CHECKING:
    from fanfold.domain.batch import Batch
    from tests.e2e.conftest import Fanfold

RED = b"not \x1b[31mJSON"


@contextmanager
def home_of(fanfold: Fanfold, clock: StillClock | None = None) -> Iterator[Ports]:
    with embedded_engine(fanfold.home, clock) as ports:
        yield ports


def die(ports: Ports, station: Station, body: bytes, name: str = "m") -> str:
    """It becomes a dead letter, as a worker makes it one; the letter's id."""
    dead_letter(ports, Delivery(Station.DEAD_LETTERS, body, 1, "1", station, name))
    return ports.letters.find(limit=1)[0].id


def lost(ports: Ports) -> Batch:
    """The only batch, fanned out; nobody has its runs' messages any more."""
    (batch,) = ports.batches.find()
    batch = fanned_out(ports, batch)
    runs_taken(ports)
    return batch


@pytest.fixture(scope="module")
def letters(shared_fanfold: Fanfold) -> list[str]:
    """Four, the oldest first: two of a batch, one that nobody can read, one that is no text."""
    fanfold, clock = shared_fanfold, StillClock()
    fanfold.inside("create", "echo", fanfold.write("records.jsonl", [1, 2, 3]))
    worked = fanfold("worker", "--until-idle", "--threads", "2")
    assert worked.code == 0, worked.err
    (batch,) = fanfold.batches()
    made = []
    with home_of(fanfold, clock) as ports:
        for index in range(2):
            body = RunMessage(batch["batch_id"], index).encode()
            made.append(die(ports, Station.RUNS, body, str(index)))
            clock.pass_(1)
        for body in (RED, b"\xff\x00"):
            made.append(die(ports, Station.FAN_OUT, body))
            clock.pass_(1)
    return made


def listed(fanfold: Fanfold, *options: str) -> list[str]:
    found = fanfold.inside("dead-letters", *options, "--json").json["letters"]
    return [it["letter_id"] for it in found]


def test_they_are_listed_newest_first_in_eighty_columns(
    shared_fanfold: Fanfold, letters: list[str]
) -> None:
    ended = shared_fanfold.inside("dead-letters")
    head, *rows = ended.out.splitlines()
    assert (ended.code, ended.err) == (0, "")
    assert head.split() == ["LETTER", "FOR", "AGE", "BECAME", "WHY"]
    assert [row.split()[0] for row in rows] == letters[::-1]
    assert "fan-out" in rows[0]
    assert "kept" in rows[0]
    assert "cannot be read" in rows[0]
    assert "left" in rows[3]
    assert "record 0: " in rows[3]
    assert shared_fanfold.inside("dead-letters", "list").out.count("\n") == len(letters) + 1


def test_in_a_terminal_the_reason_gives_way(shared_fanfold: Fanfold, letters: list[str]) -> None:
    from rich.console import Console

    from fanfold.cli.dead_letters import table_of

    console = Console(width=80, file=StringIO())
    with home_of(shared_fanfold) as ports, console.capture() as captured:
        console.print(table_of(ports.letters.find(), ports.clock.now()))
    lines = captured.get().splitlines()
    assert len(lines) == len(letters) + 1
    assert max(map(len, lines)) <= 80


def test_as_json_each_has_its_place(shared_fanfold: Fanfold, letters: list[str]) -> None:
    newest, *_, oldest = shared_fanfold.inside("dead-letters", "--json").json["letters"]
    (batch,) = shared_fanfold.batches()
    assert (oldest["station"], oldest["batch_id"], oldest["index"]) == (
        "runs",
        batch["batch_id"],
        0,
    )
    assert (oldest["fate"], oldest["about"]) == (
        "left",
        "left: its run was settled already, as succeeded",
    )
    assert (newest["letter_id"], newest["batch_id"], newest["bytes"]) == (letters[-1], None, 2)
    assert "body" not in newest


def test_no_more_than_the_limit(shared_fanfold: Fanfold, letters: list[str]) -> None:
    assert listed(shared_fanfold, "--limit", "1") == letters[-1:]


def test_only_those_of_a_batch(shared_fanfold: Fanfold, letters: list[str]) -> None:
    assert listed(shared_fanfold, "--batch", "last") == letters[1::-1]


def test_one_is_shown_whole_and_harms_no_terminal(
    shared_fanfold: Fanfold, letters: list[str]
) -> None:
    ended = shared_fanfold.inside("dead-letters", "show", letters[2])
    assert ended.code == 0
    assert letters[2] in ended.out
    assert "station  fan-out" in ended.out
    assert "cannot be read: fan-out station: not JSON" in ended.out
    assert "kept: it cannot be read" in ended.out
    assert ended.out.endswith("not \\x1b[31mJSON\n")


@pytest.mark.parametrize("name", ["last", "beginning", "without its prefix"])
def test_one_is_named_as_a_batch_is(shared_fanfold: Fanfold, letters: list[str], name: str) -> None:
    letter = letters[-1]
    text = {"last": "last", "beginning": letter[:14], "without its prefix": letter[7:]}[name]
    assert shared_fanfold.inside("dead-letters", "show", text, "--json").json["letter_id"] == letter


def test_shown_as_json_it_has_its_body_as_text_or_else_in_base_64(
    shared_fanfold: Fanfold, letters: list[str]
) -> None:
    text = shared_fanfold.inside("dead-letters", "show", letters[2], "--json").json
    other = shared_fanfold.inside("dead-letters", "show", letters[3], "--json").json
    assert text["body"] == RED.decode()
    assert b64decode(other["body_base64"]) == b"\xff\x00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show"], "which one? `fanfold dead-letters show ID`"),
        (["resurrect"], "which one? `fanfold dead-letters resurrect ID`"),
        (["list", "last"], "list takes no ID"),
        (["show", "last", "--batch", "last"], "--batch is for `fanfold dead-letters list`"),
        (["show", "letter-aaaaaaaaaaaaaaaa"], "there is no dead letter letter-aaaaaaaaaaaaaaaa"),
        (["show", "zzz"], "no dead letter's id begins with 'zzz'"),
        (["show", "letter-"], "begins 4 ids. Type more of it"),
        (["list", "--batch", "zzz"], "no batch's id begins with 'zzz'"),
        (["bury"], "See: fanfold dead-letters --help"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_remedy(
    shared_fanfold: Fanfold, letters: list[str], arguments: list[str], said: str
) -> None:
    assert letters
    ended = shared_fanfold.inside("dead-letters", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_where_there_is_nothing_nothing_is_made(fanfold: Fanfold) -> None:
    ended = fanfold.inside("dead-letters")
    assert (ended.code, ended.out, ended.err) == (0, "", "no dead letters here\n")
    assert fanfold.inside("dead-letters", "show", "last").code == 2
    assert not fanfold.home.exists()


def test_what_cannot_be_read_is_kept_and_stays_unreadable(fanfold: Fanfold) -> None:
    with home_of(fanfold) as ports:
        ports.queue.publish(Station.FAN_OUT, "", [RED])

    worked = fanfold("worker", "--until-idle", "--threads", "2")

    assert worked.code == 0, worked.err
    (letter,) = fanfold.inside("dead-letters", "--json").json["letters"]
    assert letter["reason"].startswith("cannot be read: ")
    ended = fanfold.inside("dead-letters", "resurrect", letter["letter_id"])
    assert (ended.code, ended.out) == (1, "")
    assert "cannot be read now either: fan-out station: not JSON" in ended.err


def test_a_request_is_brought_back_once_its_flow_is_registered(fanfold: Fanfold) -> None:
    request = {"flow": "double", "records": [1, 2, 3]}
    with home_of(fanfold) as ports:  # as after 20 deliveries to where it is not registered
        ports.queue.condemn(Station.FAN_OUT, json.dumps(request).encode())
    assert fanfold("worker", "--until-idle", "--threads", "2").code == 0
    (letter,) = fanfold.inside("dead-letters", "--json").json["letters"]
    assert "flow 'double' could not be met" in letter["reason"]
    assert fanfold.batches() == []

    source = "from fanfold import flow\n\n@flow\ndef double(record):\n    return 2 * record\n"
    fanfold.write_text("doubles.py", source)
    brought = fanfold.inside("dead-letters", "resurrect", "last", "--engine", "embedded")
    assert (brought.code, brought.out) == (0, "")
    assert "is published again, for fan-out" in brought.err
    assert "fanfold worker --engine embedded" in brought.err
    worked = fanfold("worker", "--until-idle", "--threads", "2", FANFOLD_FLOWS="doubles.py")
    assert worked.code == 0, worked.err

    assert [it["output"] for it in fanfold.inside("results", "last").lines] == [2, 4, 6]
    again = fanfold.inside("dead-letters", "resurrect", "last", "--json")
    assert (again.code, again.json["resurrected_before"]) == (0, True)
    assert "brought back already" in fanfold.inside("dead-letters", "resurrect", "last").err
    assert len(fanfold.batches()) == 1
    assert "resurrected" in fanfold.inside("dead-letters").out
    assert "resurrected at " in fanfold.inside("dead-letters", "show", "last").out


def test_a_run_that_was_left_is_brought_back_and_finishes_its_batch(fanfold: Fanfold) -> None:
    fanfold("create", "echo", fanfold.write("records.jsonl", ["one"]))
    clock = StillClock()  # of long ago: what is leased until a minute later is free by now
    with home_of(fanfold, clock) as ports:
        batch = lost(ports)
        until = clock.now() + 60
        ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, until, "somebody")])
        letter = die(ports, Station.RUNS, RunMessage(batch.id, 0).encode())
        assert ports.letters.get(letter).fate is Fate.LEFT

    brought = fanfold.inside("dead-letters", "resurrect", letter, "--json")

    assert (brought.code, brought.json["resurrected_before"]) == (0, False)
    with home_of(fanfold) as ports:
        assert ports.queue.backlog(Station.RUNS) == 1
    assert fanfold("worker", "--until-idle", "--threads", "2").code == 0
    assert [it["output"] for it in fanfold.inside("results", "last").lines] == ["one"]


def test_a_record_that_has_failed_by_it_is_not_brought_back(fanfold: Fanfold) -> None:
    fanfold("create", "echo", fanfold.write("records.jsonl", ["one", "two"]))
    with home_of(fanfold) as ports:
        batch = lost(ports)
        letter = die(ports, Station.RUNS, RunMessage(batch.id, 0).encode())

    ended = fanfold.inside("dead-letters", "resurrect", letter)

    assert (ended.code, ended.out) == (1, "")
    assert f"record 0 of {batch.id} has failed, for that: its message was deliv" in ended.err
    assert f"`fanfold retry {batch.id} --failed` runs its failed records again" in ended.err
    assert "its record was settled as failed" in fanfold.inside("dead-letters", "show", letter).out
    (failed,) = fanfold.inside("results", batch.id, "--status", "failed").lines
    assert failed["index"] == 0


def test_on_the_other_engine_they_are_looked_at_and_brought_back_likewise(
    fanfold: Fanfold,
) -> None:
    with (
        running_cloud() as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_engine(clients, FolderBlobs(fanfold.folder), project="letters") as ports,
    ):
        provision(clients.publisher, clients.subscriber, "letters", "", backoff=False)
        letter = die(ports, Station.FAN_OUT, b'{"flow": "echo", "records": [1]}')
        there = {
            "FANFOLD_PROJECT": "letters",
            "FIRESTORE_EMULATOR_HOST": cloud.firestore_host,
            "PUBSUB_EMULATOR_HOST": cloud.pubsub_host,
        }
        asked = ("--engine", "google", "--json")
        (listed,) = fanfold.inside("dead-letters", *asked, **there).json["letters"]
        brought = fanfold.inside("dead-letters", "resurrect", letter, *asked, **there)
        (delivery,) = ports.queue.pull(Station.FAN_OUT, 9, wait=5.0)

    assert listed["letter_id"] == letter
    assert brought.json["resurrected_before"] is False
    assert json.loads(delivery.body)["request_id"] == letter


def test_their_ids_are_offered_to_the_shell(shared_fanfold: Fanfold, letters: list[str]) -> None:
    env = {
        "_FANFOLD_COMPLETE": "complete_bash",
        "COMP_WORDS": f"fanfold dead-letters show {letters[0][:9]}",
        "COMP_CWORD": "3",
    }
    ended = shared_fanfold(**env)
    assert (ended.code, ended.err) == (0, "")
    assert letters[0] in ended.out.split()
