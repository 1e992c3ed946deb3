"""What people are told adds up, at every moment somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.run import RunState
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.ports import Ports, Station
from fanfold.steps.status import Status, status_of, verify
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, live, new_batch, ok, sealed, with_records
from fanfold.testing.faults import Fault, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import fanned_out, finalized
from fanfold.testing.working import working

PUPPET = "fanfold.testing.puppet:puppet"


@pytest.fixture
def batch(ports: Ports) -> Batch:
    return sealed(ports, with_records(ports, new_batch(ports), 6))


def assert_conserved(status: Status) -> None:
    it = status.counts
    parts = (it.queued, it.running, it.waiting, it.succeeded, it.failed, it.canceled, it.skipped)
    assert sum(parts) == it.total
    assert min(parts) >= 0


def test_a_batch_that_has_just_been_created_has_everything_before_it(
    home: Home, ports: Ports
) -> None:
    batch = home.create([{"n": n} for n in range(3)], PUPPET)
    assert status_of(ports, batch.id).counts.total == 0
    assert not status_of(ports, batch.id).batch.sealed
    fanned_out(ports, batch)
    counts = status_of(ports, batch.id).counts
    assert (counts.total, counts.queued) == (3, 3)


def test_each_record_is_counted_where_it_is(ports: Ports, batch: Batch) -> None:
    now = ports.clock.now()
    ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1), failed(batch, 2)])
    ports.leases.wait(batch, [live(batch, 3, RunState.WAITING, now + 60)])
    ports.queue.publish(Station.RUNS, batch.id, [b"4", b"5"])
    ports.queue.pull(Station.RUNS, 1)
    it = status_of(ports, batch.id).counts
    assert (it.succeeded, it.failed, it.waiting, it.running, it.queued) == (2, 1, 1, 1, 1)


def test_an_ended_batch_tells_its_closed_counts_and_how_long_it_took(
    ports: Ports, batch: Batch, clock: StillClock
) -> None:
    clock.pass_(10)
    ports.runs.settle(batch, [ok(batch, n) for n in range(6)])
    finalized(ports, batch)
    clock.pass_(1000)
    status = status_of(ports, batch.id)
    assert (status.counts.succeeded, status.counts.running, status.seconds) == (6, 0, 10)


def test_a_batch_that_ends_between_two_reads_is_told_as_it_ended(
    ports: Ports, batch: Batch
) -> None:
    ports.runs.settle(batch, [ok(batch, 0)])

    def meanwhile() -> None:
        ports.runs.settle(batch, [ok(batch, n) for n in range(1, 6)])
        finalized(ports, batch)

    slow = with_faults(ports, [Fault("runs", "tally", "after", meanwhile)])
    status = status_of(slow, batch.id)
    assert status.batch.state is BatchState.COMPLETED
    assert (status.counts.succeeded, status.counts.queued) == (6, 0)


def test_a_canceled_batch_s_counts_add_up(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, 0)])
    ports.leases.wait(batch, [live(batch, 1, RunState.WAITING, 0.0)])
    cancel(ports, batch.id)
    assert_conserved(status_of(ports, batch.id))
    finalized(ports, batch)
    it = status_of(ports, batch.id).counts
    assert (it.succeeded, it.canceled, it.waiting, it.queued) == (1, 5, 0, 0)


def test_verifying_an_open_batch_holds_it_against_what_is_settled_so_far(
    ports: Ports, batch: Batch
) -> None:
    ports.runs.settle(batch, [ok(batch, 0)])
    certificate = verify(ports, batch.id)
    assert certificate.recounted_succeeded == 1
    assert not certificate.holds, "it is not whole"


@pytest.fixture
def live_home(tmp_path: Path) -> Iterator[Home]:
    """With the real time: a worker works in it."""
    with embedded_engine(tmp_path / "live") as ports:
        yield Home(tmp_path / "live", ports)


@pytest.mark.parametrize("concurrency", [None, 20])
def test_the_counts_add_up_and_never_go_back_however_often_one_looks_meanwhile(
    live_home: Home, tmp_path: Path, concurrency: int | None
) -> None:
    gate = tmp_path / "gate"
    fates: list[dict[str, Any]] = [
        {"do": "ok"},
        {"do": "permanent"},
        {"do": "flaky", "until": 2},
        {"do": "retryable", "after": 0.0},
        {"do": "rate-limited", "times": 1, "after": 0.001},
    ]
    last = {"do": "hang", "gate": str(gate)}
    records = [*(fates[n % len(fates)] for n in range(600)), last]
    batch = live_home.create(records, PUPPET, concurrency=concurrency)
    settled = samples = 0
    with working(live_home.ports, threads=8):
        while True:
            status = live_home.status(batch)
            assert_conserved(status)
            assert status.counts.settled >= settled, "what was settled is settled"
            settled = status.counts.settled
            samples += 1
            if samples == 100:
                gate.touch()
            if status.batch.ended:
                break
    assert status.batch.state is BatchState.COMPLETED
    it = live_home.status(batch).counts
    assert (it.total, it.succeeded, it.failed) == (601, 361, 240)
