"""Each answer that a settle may get, and none of them counts twice or loses anything."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Claim, Ending
from fanfold.domain.digest import digest_of
from fanfold.domain.run import RunState
from fanfold.domain.settling import Verdict
from fanfold.engines.google import firestore as calls
from fanfold.engines.google import settling, values
from fanfold.engines.google.firestore import Firestore
from fanfold.errors import EngineError, OutcomeRefused
from fanfold.ports import Ports
from fanfold.testing.cloud import Cloud, Fault
from fanfold.testing.cloud.faults import Kind
from fanfold.testing.conformance.rig import live, new_batch, ok, with_records


@pytest.fixture
def batch(ports: Ports) -> Batch:
    """With a slot that is open."""
    batch = with_records(ports, new_batch(ports), 1000, page=500)
    ports.runs.settle(batch, [ok(batch, 999)])
    return batch


def settle(
    ports: Ports, batch: Batch, *indexes: int, leased: tuple[int, ...] = ()
) -> list[Verdict]:
    return ports.runs.settle(batch, [ok(batch, index) for index in indexes], leased)


def counted(ports: Ports, batch: Batch) -> int:
    """Beside the one that opened the slot; the tally, the sums and the documents agree."""
    tally = ports.runs.tally(batch.id)
    recount = ports.runs.recount(batch.id)
    assert (tally.succeeded, tally.digest) == (recount.succeeded, recount.digest)
    assert ports.runs.settled(batch.id) == tally.settled
    return tally.settled - 1


def test_a_group_costs_one_commit_and_no_read(cloud: Cloud, ports: Ports, batch: Batch) -> None:
    before = cloud.operations
    assert settle(ports, batch, *range(20)) == [Verdict.COUNTED] * 20
    done = cloud.operations - before
    assert (done.calls, done.written, done.read) == ({"Commit": 1}, 21, 0)


def test_after_a_lost_reply_all_are_found_settled(cloud: Cloud, ports: Ports, batch: Batch) -> None:
    cloud.faults.add(Fault("Commit", "lost-reply", nth=1))
    assert settle(ports, batch, *range(20)) == [Verdict.ALREADY] * 20
    assert counted(ports, batch) == 20


def test_a_missing_slot_is_made(ports: Ports) -> None:
    other = new_batch(ports)
    assert settle(ports, other, 0, 1) == [Verdict.COUNTED] * 2
    assert ports.runs.tally(other.id).settled == 2


@pytest.mark.parametrize("missing_first", [True, False])
def test_a_missing_slot_may_hide_what_is_settled_or_be_hidden_by_it(
    cloud: Cloud, ports: Ports, firestore: Firestore, batch: Batch, missing_first: bool
) -> None:
    cloud.limits.missing_first = missing_first
    settle(ports, batch, 0)
    # as for a process whose own slot is not made yet
    (slot,) = firestore.query(firestore.path("batches", batch.id), "slots")
    firestore.commit([values.delete(slot.path)])
    assert settle(ports, batch, 0, 1) == [Verdict.ALREADY, Verdict.COUNTED]
    assert ports.runs.tally(batch.id).settled == 1


@pytest.mark.parametrize("kind", ["lost-reply", "unavailable", "aborted"])
@pytest.mark.parametrize("method", ["BeginTransaction", "BatchGetDocuments", "Commit", "Rollback"])
def test_a_slot_is_made_once_whatever_is_lost(
    cloud: Cloud, ports: Ports, method: str, kind: Kind
) -> None:
    batch = new_batch(ports)
    cloud.faults.add(Fault(method, kind, nth=2 if method == "Commit" else 1))
    # what was to go there is made with it: after a lost reply it is found
    is_lost = (method, kind) == ("Commit", "lost-reply")
    assert settle(ports, batch, 0) == [Verdict.ALREADY if is_lost else Verdict.COUNTED]
    assert ports.runs.tally(batch.id).settled == 1


def test_two_threads_of_a_process_do_not_hinder_each_other_in_making_its_slot(
    cloud: Cloud, ports: Ports
) -> None:
    """Both read that it is not there, and each would wait for the other's lock to end."""
    batch = with_records(ports, new_batch(ports), 20)
    cloud.faults.add(Fault("BatchGetDocuments", "delay", seconds=0.1))
    before = cloud.operations
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda index: settle(ports, batch, index), range(2)))
    done = cloud.operations - before
    assert ports.runs.settled(batch.id) == 2
    assert done.calls["Commit"] == 2 + 1 + 1, "each refused, the slot with one, the other"


def test_a_closed_batch_takes_nothing(ports: Ports, batch: Batch) -> None:
    ports.batches.amend(batch.id, lambda it: rules.stop(it, Ending(BatchState.CANCELED, "")))
    ports.batches.close(batch.id, 1, Claim("me", 10.0), 0.0)
    assert settle(ports, batch, 0, 1) == [Verdict.LATE] * 2
    assert ports.runs.read(batch.id, [0, 1]) == {}


@pytest.mark.parametrize("kind", ["aborted", "unavailable", "lost-reply", "exhausted"])
def test_a_storm_is_sat_out(cloud: Cloud, ports: Ports, batch: Batch, kind: Kind) -> None:
    cloud.faults.add(Fault("Commit", kind, times=5))
    settle(ports, batch, 0, 1)
    assert counted(ports, batch) == 2


@pytest.mark.parametrize("kind", ["aborted", "unavailable"])
def test_a_storm_that_does_not_end_is_given_up(
    cloud: Cloud, ports: Ports, batch: Batch, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_PATIENCE", 0.1)
    cloud.faults.add(Fault("Commit", kind))
    with pytest.raises(EngineError, match=kind):
        settle(ports, batch, 0)
    cloud.faults.clear()
    assert counted(ports, batch) == 0


def test_content_that_is_refused_is_said_so_and_nothing_is_written(
    cloud: Cloud, ports: Ports, batch: Batch
) -> None:
    cloud.limits.document_bytes = 10_000
    large = ok(batch, 1, '"' + "x" * 10_000 + '"')
    with pytest.raises(OutcomeRefused):
        ports.runs.settle(batch, [ok(batch, 0), large])
    assert counted(ports, batch) == 0


def test_what_is_too_large_in_bytes_is_refused_though_not_in_characters(
    ports: Ports, batch: Batch
) -> None:
    with pytest.raises(OutcomeRefused):
        ports.runs.settle(batch, [ok(batch, 0), ok(batch, 1, '"' + "ü" * 700_000 + '"')])
    assert counted(ports, batch) == 0


def test_many_large_outcomes_go_in_several_commits(
    cloud: Cloud, ports: Ports, batch: Batch
) -> None:
    # what the emulator takes of one request; the service takes ten
    cloud.limits.request_bytes = 4 * 1024 * 1024
    runs = [ok(batch, n, '"' + "ü" * 400_000 + '"') for n in range(10)]
    assert ports.runs.settle(batch, runs) == [Verdict.COUNTED] * 10
    assert counted(ports, batch) == 10


@pytest.mark.parametrize("kind", ["lost-reply", "aborted", "unavailable"])
def test_leases_and_waits_end_once_whatever_is_lost(
    cloud: Cloud, ports: Ports, batch: Batch, kind: Kind
) -> None:
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, 60.0, "me")])
    ports.leases.wait(batch, [live(batch, 1, RunState.WAITING, 60.0)])
    cloud.faults.add(Fault("Commit", kind, nth=1))
    settle(ports, batch, 0, 1, leased=(0, 1))
    assert ports.leases.lives(batch.id, [0, 1]) == {}
    assert ports.runs.tally(batch.id).waiting == 0


def test_the_lease_of_a_run_that_another_settled_ends(ports: Ports, batch: Batch) -> None:
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, 60.0, "me")])
    settle(ports, batch, 0)
    assert settle(ports, batch, 0, 1, leased=(0,)) == [Verdict.ALREADY, Verdict.COUNTED]
    assert ports.leases.lives(batch.id, [0]) == {}


def test_the_wait_of_a_run_that_another_settled_is_not_counted_for_ever(
    ports: Ports, batch: Batch
) -> None:
    ports.leases.wait(batch, [live(batch, 0, RunState.WAITING, 60.0)])
    settle(ports, batch, 0)
    assert settle(ports, batch, 0, leased=(0,)) == [Verdict.ALREADY]
    assert ports.leases.lives(batch.id, [0]) == {}
    assert ports.runs.tally(batch.id).waiting == 0


@pytest.mark.parametrize("kind", ["lost-reply", "aborted", "unavailable"])
def test_a_lease_that_cannot_be_ended_at_once_is_tried_again(
    cloud: Cloud, ports: Ports, batch: Batch, kind: Kind
) -> None:
    ports.leases.hold(batch, [live(batch, 0, RunState.RUNNING, 60.0, "me")])
    settle(ports, batch, 0)
    cloud.faults.add(Fault("Commit", kind, nth=2))
    assert settle(ports, batch, 0, leased=(0,)) == [Verdict.ALREADY]


def test_another_generation_is_late(ports: Ports, batch: Batch) -> None:
    older = replace(batch, generation=7)
    assert ports.runs.settle(older, [replace(ok(batch, 0), generation=7)]) == [Verdict.LATE]
    assert counted(ports, batch) == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_lost_replies_count_nothing_twice(
    cloud: Cloud, ports: Ports, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(calls, "_LONGEST_PAUSE", 0.0005)
    monkeypatch.setattr(calls, "_FIRST_PAUSE", 0.0005)
    batch = with_records(ports, new_batch(ports), 1000, page=500)
    chance = random.Random(seed)
    cloud.faults.random.seed(seed)
    cloud.limits.missing_first = bool(seed % 2)
    lost = cloud.faults.add(Fault("Commit", "lost-reply", probability=0.3))
    cloud.faults.add(Fault("Commit", "aborted", probability=0.1))
    cloud.faults.add(Fault("Commit", "unavailable", probability=0.1))
    cloud.faults.add(Fault("BatchGetDocuments", "lost-reply", probability=0.1))
    touched: set[int] = set()
    while lost.struck < 1000:
        indexes = chance.sample(range(1000), chance.randint(1, 4))
        verdicts = settle(ports, batch, *indexes)
        assert set(verdicts) <= {Verdict.COUNTED, Verdict.ALREADY}
        touched.update(indexes)
    settle(ports, batch, *range(1000))
    cloud.faults.clear()
    tally = ports.runs.tally(batch.id)
    assert len(touched) > 900
    assert (tally.succeeded, tally.digest) == (1000, digest_of(0, 1000))
    assert ports.runs.recount(batch.id).digest == tally.digest
