"""A message that is delivered again while its run executes here, and flows that are exclusive."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.messages import RunMessage, encode_run
from fanfold.domain.run import Live, RunState
from fanfold.execution.context import Cancellation
from fanfold.execution.library import Library
from fanfold.ports import Delivery, Station
from fanfold.steps.run_flow import Job
from fanfold.testing.home import Home
from fanfold.testing.working import until, working
from fanfold.wiring import EMBEDDED
from fanfold.worker.hand import Hand
from fanfold.worker.leasing import lease

#: long before any lease would be written of its own accord
PATIENT = replace(EMBEDDED, lease_after=3600.0)


def flow_at(tmp_path: Path, decorator: str) -> str:
    """It notes each run, and waits for a gate."""
    file = tmp_path / "gated.py"
    file.write_text(
        "import time\n"
        "from pathlib import Path\n"
        "from fanfold import flow\n"
        f"@flow({decorator})\n"
        "def gated(record):\n"
        "    with Path(record['log']).open('a') as log:\n"
        "        log.write('x')\n"
        "    while not Path(record['gate']).exists():\n"
        "        time.sleep(0.005)\n"
        "    return 1\n",
        encoding="utf-8",
    )
    return f"{file}:gated"


class Redelivering:
    """The queue, from which what is held comes once more, as after its deadline."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._held: list[Delivery] = []
        self.again = Event()
        self.acked: list[str] = []

    def pull(self, station: Station, limit: int, wait: float = 0.0) -> list[Delivery]:
        if station is Station.RUNS and self.again.is_set() and self._held:
            self.again.clear()
            twice = [replace(it, token=f"{it.token}-again", attempt=2) for it in self._held]
            self._held = []
            return twice
        deliveries: list[Delivery] = self._queue.pull(station, limit, wait)
        if station is Station.RUNS:
            self._held += deliveries
        return deliveries

    def ack(self, deliveries: list[Delivery]) -> None:
        self.acked += [it.token for it in deliveries]
        self._queue.ack([it for it in deliveries if not it.token.endswith("-again")])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)


def test_a_message_that_comes_again_to_who_is_at_its_run_does_not_run_it_twice(
    home: Home, tmp_path: Path, gate: Path
) -> None:
    """It is acked, and the run leased instead: should this process die, the lease ends."""
    log = tmp_path / "log"
    record = {"log": str(log), "gate": str(gate)}
    queue = Redelivering(home.ports.queue)
    ports = replace(home.ports, queue=queue)  # type: ignore[arg-type]
    with working(ports, threads=4, policy=PATIENT):
        batch = home.create([record], flow_at(tmp_path, ""))
        until(log.exists)
        assert home.ports.leases.lives(batch.id, [0]) == {}
        queue.again.set()
        until(lambda: any(token.endswith("-again") for token in queue.acked))
        assert home.ports.leases.lives(batch.id, [0])[0].state is RunState.RUNNING
        gate.touch()
        until(lambda: home.ports.batches.get(batch.id).ended)
    assert log.read_text() == "x"
    home.assert_whole(batch, 1)


def test_an_exclusive_record_is_leased_before_it_runs(
    home: Home, tmp_path: Path, gate: Path
) -> None:
    log = tmp_path / "log"
    with working(home.ports, threads=4, policy=PATIENT):
        batch = home.create(
            [{"log": str(log), "gate": str(gate)}], flow_at(tmp_path, "exclusive=True")
        )
        until(log.exists)
        live = home.ports.leases.lives(batch.id, [0])[0]
        assert (live.state, live.owner) == (RunState.RUNNING, home.ports.owner)
        gate.touch()
        until(lambda: home.ports.batches.get(batch.id).ended)
    home.assert_whole(batch, 1)
    assert home.ports.leases.lives(batch.id, [0]) == {}


@pytest.mark.parametrize("exclusive", [True, False])
def test_while_another_process_holds_it_an_exclusive_record_is_left_to_that_one(
    home: Home, tmp_path: Path, gate: Path, *, exclusive: bool
) -> None:
    """A first delivery is not doubted otherwise: it costs no read to begin."""
    log = tmp_path / "log"
    gate.touch()
    record = {"log": str(log), "gate": str(gate)}
    batch = home.create([record, record], flow_at(tmp_path, f"exclusive={exclusive}"))
    now = home.ports.clock.now()
    theirs = Live(batch.id, 0, 1, RunState.RUNNING, now + 3600, "another", 1, 0, now)
    started = home.ports.batches.get(batch.id)
    assert home.ports.leases.take(started, theirs, now)
    with working(home.ports, threads=4, policy=PATIENT):
        expected = 1 if exclusive else 2
        until(lambda: home.status(batch).counts.settled == expected)
        until(lambda: not home.ports.queue.backlog(Station.RUNS))
        assert log.read_text() == "x" * expected
        if exclusive:  # when that lease has ended it is run
            home.ports.leases.hold(started, [replace(theirs, until=time.time() - 1)])
        until(lambda: home.ports.batches.get(batch.id).ended)
    home.assert_whole(batch, 2)


def test_a_second_message_of_an_exclusive_record_does_not_have_it_run_twice_here(
    home: Home, tmp_path: Path, gate: Path
) -> None:
    """A publish that is repeated makes two messages, and one process may get both as first ones:
    the lease is its own, and would let it."""
    log = tmp_path / "log"
    with working(home.ports, threads=4, policy=PATIENT):
        batch = home.create(
            [{"log": str(log), "gate": str(gate)}], flow_at(tmp_path, "exclusive=True")
        )
        until(log.exists)
        (record,) = home.ports.batches.records(batch.id, 0, 1)
        message = encode_run(batch.id, batch.generation, record)
        home.ports.queue.publish(Station.RUNS, batch.id, [message])
        until(lambda: home.ports.queue.backlog(Station.RUNS) == 1)
        gate.touch()
        until(lambda: home.ports.batches.get(batch.id).ended)
    assert log.read_text() == "x"
    home.assert_whole(batch, 1)


def test_while_it_asks_whether_it_may_run_an_exclusive_record_is_not_leased_over_its_holder(
    home: Home, tmp_path: Path, gate: Path
) -> None:
    """Whoever keeps leases sees a run that has begun, and does not see that it still asks."""
    place = flow_at(tmp_path, "exclusive=True")
    batch = home.create([{"log": str(tmp_path / "log"), "gate": str(gate)}], place)
    started = home.ports.batches.amend(batch.id, lambda it: rules.start(it, 1.0))
    now = home.ports.clock.now()
    theirs = Live(batch.id, 0, 1, RunState.RUNNING, now + 3600, "another", 1, 0, now)
    assert home.ports.leases.take(started, theirs, now)
    delivery = Delivery(Station.RUNS, b"", 1, "token")
    job = Job(delivery, RunMessage(batch.id, 0), started, Library().find(place).flow)
    hand = Hand()
    hand.begin(job, Cancellation())
    lease(home.ports, PATIENT, hand.executing())
    assert home.ports.leases.lives(batch.id, [0]) == {0: theirs}
