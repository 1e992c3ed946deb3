"""Who lives, and what the dead had in hand."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.run import RunState
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.embedded.owners import Ownership, is_alive
from fanfold.ports import Delivery, Ports, Station
from fanfold.testing.conformance.rig import live, new_batch, sealed, with_records
from fanfold.testing.working import until

if TYPE_CHECKING:
    import subprocess

    from tests.unit.engines.embedded.conftest import Elsewhere

#: It takes a message, a run's lease and a batch's finalization, and says so.
TAKE_ALL = """
    from fanfold.domain.batch import Claim
    from fanfold.domain.run import RunState
    from fanfold.testing.conformance.rig import live

    with embedded_engine(home) as ports:
        working, closing = (ports.batches.get(it) for it in sys.stdin.readline().split())
        assert len(ports.queue.pull(Station.RUNS, 10)) == 1
        far = ports.clock.now() + 1000
        ports.leases.hold(working, [live(working, 0, RunState.RUNNING, far, ports.owner)])
        ports.batches.close(closing.id, 1, Claim(f"{ports.owner}/1", far), 0.0)
        print(ports.owner, flush=True)
        sys.stdin.readline()
"""


class Holder:
    """Another process, which has something of everything in hand."""

    def __init__(self, ports: Ports, elsewhere: Elsewhere, text: str = TAKE_ALL) -> None:
        self.ports = ports
        self.working = with_records(ports, new_batch(ports), 1)
        self.closing = sealed(ports, new_batch(ports))
        ports.queue.publish(Station.RUNS, self.working.id, [b"run"])
        self.process: subprocess.Popen[str] = elsewhere(text)
        self.say(f"{self.working.id} {self.closing.id}")
        assert self.process.stdout is not None
        self.name = self.process.stdout.readline().strip()
        assert self.name, "it has not come so far"

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def pulled(self) -> list[Delivery]:
        return self.ports.queue.pull(Station.RUNS, 10)


@pytest.fixture
def holder(ports: Ports, elsewhere: Elsewhere) -> Holder:
    return Holder(ports, elsewhere)


def test_what_a_dead_process_had_in_hand_is_free_at_once(holder: Holder, ports: Ports) -> None:
    holder.process.kill()
    holder.process.wait()
    deliveries = ports.queue.pull(Station.RUNS, 10, wait=10)
    assert [(it.body, it.attempt) for it in deliveries] == [(b"run", 2)]
    lease = ports.leases.lives(holder.working.id, [0])[0]
    assert lease.until <= ports.clock.now(), "its lease has ended"
    closing = ports.batches.get(holder.closing.id)
    assert closing.state is BatchState.FINALIZING
    assert closing.claim is not None
    assert closing.claim.until <= ports.clock.now(), "its claim has ended"


def test_what_a_living_process_has_in_hand_stays_its_own(holder: Holder, ports: Ports) -> None:
    os.kill(holder.process.pid, signal.SIGSTOP)  # however little it does
    assert ports.queue.pull(Station.RUNS, 10, wait=0.5) == [], "longer than the reaper's round"
    assert ports.leases.lives(holder.working.id, [0])[0].owner == holder.name
    claim = ports.batches.get(holder.closing.id).claim
    assert claim is not None
    assert claim.until > ports.clock.now()


def test_what_a_process_had_in_hand_when_it_ended_in_good_order_is_free_at_once(
    holder: Holder,
) -> None:
    holder.say("end")
    assert holder.process.wait(30) == 0
    until(holder.pulled, patience=10)


def test_a_child_of_a_flow_s_does_not_keep_a_dead_worker_alive(
    ports: Ports, elsewhere: Elsewhere
) -> None:
    forking = TAKE_ALL.replace(
        "print(ports.owner, flush=True)",
        """if (child := os.fork()) == 0:
            time.sleep(60)  # a flow's own child: it outlives the worker
            os._exit(0)
        started = subprocess.Popen(["sleep", "60"], close_fds=False)
        print(ports.owner, child, started.pid, flush=True)""",
    )
    holder = Holder(ports, elsewhere, forking)
    _, *children = holder.name.split()
    holder.process.kill()
    holder.process.wait()
    try:
        until(holder.pulled, patience=10)
        for child in children:
            os.kill(int(child), 0)  # they do live
    finally:
        for child in children:
            os.kill(int(child), signal.SIGKILL)


def test_a_process_never_takes_itself_for_dead(home: Path, ports: Ports) -> None:
    ports.queue.publish(Station.RUNS, "batch-aaaaaaaaaaaaaaaa", [b"mine"])
    assert len(ports.queue.pull(Station.RUNS, 1)) == 1
    with embedded_engine(home) as other:
        assert other.queue.pull(Station.RUNS, 1, wait=0.5) == []
        assert is_alive(home / "owners", ports.owner)
        assert is_alive(home / "owners", other.owner)
    assert ports.queue.pull(Station.RUNS, 1, wait=0.5) == []


def test_a_process_knows_itself_by_whatever_name_its_home_goes(home: Path, ports: Ports) -> None:
    ports.queue.publish(Station.RUNS, "batch-aaaaaaaaaaaaaaaa", [b"mine"])
    assert len(ports.queue.pull(Station.RUNS, 1)) == 1
    link = home.with_name("link")
    link.symlink_to(home)
    with embedded_engine(link) as other:
        assert other.queue.pull(Station.RUNS, 1, wait=0.5) == []
    assert is_alive(home / "owners", ports.owner)


def test_an_engine_that_was_closed_is_not_taken_for_living_by_its_own_process(
    home: Path, ports: Ports
) -> None:
    ports.queue.publish(Station.RUNS, "batch-aaaaaaaaaaaaaaaa", [b"one"])
    with embedded_engine(home) as other:
        assert len(other.queue.pull(Station.RUNS, 1)) == 1
    until(lambda: ports.queue.pull(Station.RUNS, 1), patience=10)


def test_the_files_of_the_dead_are_cleared_away(holder: Holder, home: Path) -> None:
    assert (home / "owners" / holder.name).exists()
    holder.process.kill()
    holder.process.wait()
    until(holder.pulled, patience=10)
    assert not (home / "owners" / holder.name).exists()


def test_a_name_nobody_ever_held_is_dead(tmp_path: Path) -> None:
    assert not is_alive(tmp_path, "1-cafe")


def test_two_engines_of_one_process_are_two(tmp_path: Path) -> None:
    assert Ownership(tmp_path).name != Ownership(tmp_path).name


def test_a_process_that_only_looks_needs_no_name(home: Path, ports: Ports) -> None:
    batch: Batch = new_batch(ports)
    with embedded_engine(home) as other:
        other.batches.get(batch.id)
        other.leases.hold(
            with_records(other, batch, 1), [live(batch, 0, RunState.RUNNING, 1.0, "somebody")]
        )
    assert list((home / "owners").iterdir()) == []
