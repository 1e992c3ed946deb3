"""Ctrl-C: once in good order, twice at once; nothing is lost either way."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fanfold.testing.working import until

if TYPE_CHECKING:
    from tests.e2e.conftest import Fanfold, Going


class Gated:
    """A run of eight records, two of which have begun and wait for a gate."""

    def __init__(self, fanfold: Fanfold) -> None:
        self.gate, self._log = fanfold.folder / "gate", fanfold.folder / "log"
        record = {"gate": str(self.gate), "log": str(self._log)}
        source = fanfold.write("records.jsonl", [record] * 8)
        workers = ("--processes", "1", "--threads", "2", "--concurrency", "2")
        self.going: Going = fanfold.start("run", fanfold.flow("gated"), source, *workers)
        self.going.until(lambda: self.logged("begun") == 2)

    def logged(self, what: str) -> int:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return lines.count(what)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_finishes_what_runs_and_attach_goes_on(
    fanfold: Fanfold, number: signal.Signals
) -> None:
    gated = Gated(fanfold)

    gated.going.interrupt(number)
    gated.going.until(lambda: "finishing" in gated.going.err)
    gated.gate.touch()
    ended = gated.going.end()

    assert ended.code == 130
    assert "finishing 2 running runs; Ctrl-C again stops now" in ended.err
    (batch,) = fanfold.batches()
    assert (batch["succeeded"], batch["queued"]) == (2, 6)
    assert f"fanfold attach {batch['batch_id']}" in ended.err
    assert gated.logged("begun") == 2, "nothing new was begun"

    attached = fanfold("attach", batch["batch_id"], "--json", *fanfold.small)

    assert (attached.code, attached.json["succeeded"]) == (0, 8)
    assert gated.logged("done") == 8, "each record ran once"


def test_twice_stops_now_and_what_ran_is_run_again(fanfold: Fanfold) -> None:
    gated = Gated(fanfold)

    gated.going.interrupt()
    gated.going.until(lambda: "finishing" in gated.going.err)
    gated.going.interrupt()
    ended = gated.going.end()

    assert ended.code == 130
    assert "0 of 8 records are done" in ended.err
    assert gated.logged("done") == 0
    gated.gate.touch()

    attached = fanfold("attach", "last", "--json", *fanfold.small)

    assert (attached.code, attached.json["succeeded"]) == (0, 8)
    assert (gated.logged("begun"), gated.logged("done")) == (10, 8)


def test_while_the_source_is_read_nothing_is_stored(fanfold: Fanfold) -> None:
    fanfold.write_text(
        "endless.py",
        "from itertools import count\n"
        "from pathlib import Path\n"
        "from fanfold import flow\n"
        "def forever():\n"
        "    for n in count():\n"
        "        Path('begun').touch()\n"
        "        yield n\n"
        "@flow(source=forever)\n"
        "def endless(n): return n\n",
    )
    going = fanfold.start("run", "endless.py")
    going.until(Path(fanfold.folder, "begun").exists)

    going.interrupt()
    ended = going.end()

    assert ended.code == 130
    assert ended.err.endswith("fanfold: interrupted; nothing was stored\n")
    assert fanfold.batches() == []
    assert fanfold.stored() == []


def workers_of(going: Going) -> list[Path]:
    """The standard output of each."""
    pid = going.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [Path(f"/proc/{child}/fd/1") for child in children]


def test_workers_drain_when_the_command_that_started_them_is_killed(fanfold: Fanfold) -> None:
    gated = Gated(fanfold)

    (worker,) = workers_of(gated.going)
    gated.going.interrupt(signal.SIGKILL)
    gated.going.end()
    until(lambda: worker.resolve() == Path("/dev/null"))  # it has been told
    gated.gate.touch()
    waiter = fanfold.start("wait", "last", "--timeout", "0")
    assert waiter.end().code == 1
    attached = fanfold("attach", "last", "--json", *fanfold.small)

    assert (attached.code, attached.json["succeeded"]) == (0, 8)
    assert gated.logged("done") == 8, "what was running was finished, and not run again"
