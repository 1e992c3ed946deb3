"""Old batches are removed, but for what keeps late messages and requests from beginning anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.flow import FlowRef
from fanfold.domain.letter import MAX_BODY_BYTES
from fanfold.domain.messages import FanOutMessage
from fanfold.domain.options import BatchOptions
from fanfold.domain.outcome import Succeeded, Value
from fanfold.domain.pruning import TOMBSTONE_SECONDS
from fanfold.domain.settling import Verdict
from fanfold.errors import (
    BatchNotFound,
    BatchPruned,
    BlobNotFound,
    EngineError,
    IllegalTransition,
)
from fanfold.folds.stream import stream_results
from fanfold.ports import Delivery, Ports, Station
from fanfold.sources.iterable import from_iterable
from fanfold.steps.create_batch import BatchRequest, create_batch
from fanfold.steps.dead_letter import dead_letter
from fanfold.steps.fan_out import fan_out
from fanfold.steps.prune import prunable, prune, prune_one
from fanfold.steps.status import status_of, verify
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.stations import fanned_out, finalized, runs_taken, taken

pytestmark = pytest.mark.each_engine

FLOW = FlowRef("puppet", "1", "fanfold.testing.puppet:puppet")
DAY = 86_400.0


def created(ports: Ports, request_id: str | None = None) -> Batch:
    request = BatchRequest(FLOW, BatchOptions(), "test", request_id=request_id)
    records: list[Any] = [{"n": n} for n in range(3)]
    return create_batch(ports, request, lambda: from_iterable(records, name="test"))


def ended(ports: Ports, request_id: str | None = None) -> Batch:
    """Completed, one of its outputs in a blob."""
    batch = fanned_out(ports, created(ports, request_id))
    runs_taken(ports)
    ports.blobs.write(f"{batch.id}/outputs/1/1.json", [b"2"])
    large = replace(ok(batch, 1), outcome=Succeeded(Value(blob=f"{batch.id}/outputs/1/1.json")))
    ports.runs.settle(batch, [ok(batch, 0), large, failed(batch, 2)])
    return finalized(ports, batch)


def is_there(ports: Ports, blob: str) -> bool:
    try:
        return bool(list(ports.blobs.read(blob)))
    except BlobNotFound:
        return False


def test_what_ended_long_ago_is_removed_and_its_counts_are_kept(
    ports: Ports, clock: StillClock
) -> None:
    batch = ended(ports)
    clock.pass_(2 * DAY)
    young = ended(ports)
    done = prune(ports, DAY)
    assert (done.batches, done.forgotten) == ((batch.id,), ())
    assert ports.runs.read(batch.id, range(3)) == {}
    assert list(ports.batches.records(batch.id, 0, 3)) == []
    assert not is_there(ports, batch.source.blob)
    assert not is_there(ports, f"{batch.id}/outputs/1/1.json")
    counts = status_of(ports, batch.id).counts
    assert (counts.total, counts.succeeded, counts.failed) == (3, 2, 1)
    certificate = ports.batches.get(batch.id).certificate
    assert certificate is not None
    assert certificate.holds
    assert len(ports.runs.read(young.id, range(3))) == 3


def test_what_is_pruned_says_so_to_whoever_asks_for_results(ports: Ports) -> None:
    batch = ended(ports)
    pruned = prune_one(ports, batch.id)
    with pytest.raises(BatchPruned, match="its counts are kept"):
        list(stream_results(ports.runs, ports.batches, ports.blobs, pruned))
    with pytest.raises(BatchPruned):
        verify(ports, batch.id)


def test_only_what_has_ended_is_pruned(ports: Ports, clock: StillClock) -> None:
    batch = fanned_out(ports, created(ports))
    clock.pass_(100 * DAY)
    assert prune(ports, DAY).batches == ()
    with pytest.raises(IllegalTransition, match="only what has ended"):
        prune_one(ports, batch.id)
    assert list(ports.batches.records(batch.id, 0, 3))


def test_only_the_states_that_are_named_are_pruned(ports: Ports, clock: StillClock) -> None:
    completed = ended(ports)
    canceled = created(ports)
    cancel(ports, canceled.id)
    finalized(ports, canceled)
    clock.pass_(2 * DAY)
    assert [it.id for it in prunable(ports, DAY, {BatchState.CANCELED})] == [canceled.id]
    assert prune(ports, DAY, {BatchState.CANCELED}).batches == (canceled.id,)
    assert len(ports.runs.read(completed.id, range(3))) == 3


def test_a_late_message_does_not_bring_a_pruned_batch_back(ports: Ports) -> None:
    batch = ended(ports)
    prune_one(ports, batch.id)
    assert ports.runs.settle(batch, [ok(batch, 0)]) == [Verdict.LATE]
    fan_out(ports, FanOutMessage(batch_id=batch.id), lambda: False)
    assert runs_taken(ports) == []
    assert ports.batches.get(batch.id).state is BatchState.COMPLETED


def test_a_repeated_request_finds_that_it_was_met(ports: Ports) -> None:
    batch = ended(ports, "nightly")
    prune_one(ports, batch.id)
    taken(ports, Station.FAN_OUT)
    again = created(ports, "nightly")
    assert (again.id, again.state) == (batch.id, BatchState.COMPLETED)
    assert taken(ports, Station.FAN_OUT) == []


def test_a_tombstone_goes_when_nothing_can_come_any_more(ports: Ports, clock: StillClock) -> None:
    batch = ended(ports)
    prune_one(ports, batch.id)
    clock.pass_(TOMBSTONE_SECONDS - 1)
    assert prune(ports, DAY).forgotten == ()
    clock.pass_(1)
    assert prune(ports, DAY).forgotten == (batch.id,)
    with pytest.raises(BatchNotFound):
        ports.batches.get(batch.id)


@pytest.mark.parametrize(("port", "verb"), [("batches", "erase"), ("blobs", "delete")])
def test_a_pruning_that_broke_off_is_gone_on_with(
    ports: Ports, clock: StillClock, port: str, verb: str
) -> None:
    batch = ended(ports)
    clock.pass_(2 * DAY)
    broken = with_faults(ports, [Fault(port, verb, "before", lose_reply)])
    with pytest.raises(EngineError):
        prune(broken, DAY)
    assert prune(ports, 365 * DAY).batches == (batch.id,)
    assert ports.runs.read(batch.id, range(3)) == {}
    assert not is_there(ports, batch.source.blob)
    assert prune(ports, DAY).batches == ()


def died(ports: Ports, body: bytes) -> str:
    dead_letter(ports, Delivery(Station.DEAD_LETTERS, body, 1, "t", Station.RUNS, str(len(body))))
    return ports.letters.find(limit=1)[0].id


def test_dead_letters_that_have_lain_long_go_too_with_all_they_hold(
    ports: Ports, clock: StillClock
) -> None:
    large = died(ports, b"x" * (MAX_BODY_BYTES + 1))
    clock.pass_(1)
    small = died(ports, b"x")
    clock.pass_(2 * DAY)
    young = died(ports, b"xx")
    assert is_there(ports, f"dead-letters/{large}")
    assert set(prune(ports, DAY).letters) == {large, small}
    assert [it.id for it in ports.letters.find()] == [young]
    assert not is_there(ports, f"dead-letters/{large}")


def test_who_prunes_batches_of_one_state_leaves_the_letters(
    ports: Ports, clock: StillClock
) -> None:
    died(ports, b"x")
    clock.pass_(2 * DAY)
    assert prune(ports, DAY, {BatchState.FAILED}).letters == ()
    assert len(ports.letters.find()) == 1
