"""The end of a batch: closed once, folded, certified; whatever the fold does, results are kept."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fanfold import Result, flow
from fanfold.domain.batch import Batch, BatchState, Claim
from fanfold.domain.finalizing import MAX_FOLD_ATTEMPTS, begin_fold
from fanfold.domain.flow import Flow, FlowRef
from fanfold.domain.messages import FinalizationMessage
from fanfold.domain.outcome import MAX_INLINE_OUTPUT_BYTES, Value
from fanfold.domain.run import RunState
from fanfold.errors import BatchNotFound, EngineError, FlowNotFound
from fanfold.execution.library import Library
from fanfold.folds.stream import stream_results, text_of
from fanfold.ports import Ports
from fanfold.steps.finalize import finalize
from fanfold.steps.retry import Selection, retry
from fanfold.steps.status import verify
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.conformance.rig import failed, new_batch, ok, sealed, with_records
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.stations import finalized
from fanfold.testing.working import until
from fanfold.wiring import EMBEDDED

FOLDING = FlowRef("folded", "1", "nowhere:folded", folds=True)
RECORDS = 5


class These:
    """The flow under test, wherever it is looked for."""

    def __init__(self, fold: Callable[[Iterable[Result]], Any] | None) -> None:
        @flow(id="folded", fold=fold)
        def folded(record: Any) -> Any:
            return record

        self.flow = folded

    def resolve(self, ref: FlowRef) -> Flow:
        assert ref.name == self.flow.name
        return self.flow


def settled(ports: Ports, ref: FlowRef = FOLDING) -> Batch:
    """All of its records settled: one failed."""
    batch = sealed(ports, with_records(ports, new_batch(ports, flow=ref), RECORDS))
    runs = [failed(batch, n) if n == 3 else ok(batch, n, f'"{n}"') for n in range(RECORDS)]
    ports.runs.settle(batch, runs)
    return batch


def message(batch: Batch) -> FinalizationMessage:
    return FinalizationMessage(batch_id=batch.id)


def outputs(ports: Ports, batch: Batch) -> list[Any]:
    return [it.output for it in stream_results(ports.runs, ports.batches, ports.blobs, batch)]


def count_ok(results: Iterable[Result]) -> int:
    return sum(it.ok for it in results)


def assert_failed_with_its_results_kept(ports: Ports, batch: Batch, reason: str) -> None:
    assert batch.state is BatchState.FAILED
    assert batch.failure is not None
    assert reason in batch.failure.message
    assert batch.output is None
    assert outputs(ports, batch) == ["0", "1", "2", None, "4"]
    assert verify(ports, batch.id).holds


def test_a_batch_ends_with_its_fold_s_output_and_a_certificate_that_holds(ports: Ports) -> None:
    ended = finalized(ports, settled(ports), These(count_ok))
    assert ended.state is BatchState.COMPLETED
    assert ended.output == Value(text="4")
    assert ended.certificate is not None
    assert ended.certificate.holds
    assert (ended.certificate.succeeded, ended.certificate.failed) == (4, 1)
    assert ended.claim is None
    assert ended.fold_attempts == 1


def test_a_fold_sees_every_record_in_order_the_failed_one_in_its_place(ports: Ports) -> None:
    def shape(results: Iterable[Result]) -> list[Any]:
        return [[it.index, it.key, str(it.status), it.output] for it in results]

    ended = finalized(ports, settled(ports), These(shape))
    assert ended.output is not None
    assert json.loads(ended.output.text or "") == [
        [n, f"key-{n}", "failed" if n == 3 else "succeeded", None if n == 3 else str(n)]
        for n in range(RECORDS)
    ]


def test_a_flow_without_a_fold_ends_without_an_output_and_is_not_even_looked_for(
    ports: Ports,
) -> None:
    ref = FlowRef("gone", "1", "nowhere:gone", folds=False)
    ended = finalized(ports, settled(ports, ref), Library())
    assert (ended.state, ended.output, ended.failure) == (BatchState.COMPLETED, None, None)


def test_a_flow_whose_fold_was_taken_out_since_ends_without_an_output(ports: Ports) -> None:
    ended = finalized(ports, settled(ports), These(None))
    assert (ended.state, ended.output) == (BatchState.COMPLETED, None)


def test_a_fold_that_raises_thrice_fails_its_batch_with_the_results_kept(ports: Ports) -> None:
    tries: list[int] = []

    def broken(_: Iterable[Result]) -> int:
        tries.append(1)
        raise KeyError("price")

    ended = finalized(ports, settled(ports), These(broken))
    assert len(tries) == MAX_FOLD_ATTEMPTS == 3
    assert_failed_with_its_results_kept(ports, ended, "price")
    assert ended.failure is not None
    assert ended.failure.type == "KeyError"


def test_a_fold_that_raises_once_is_tried_again(ports: Ports) -> None:
    tries: list[int] = []

    def moody(results: Iterable[Result]) -> int:
        tries.append(1)
        next(iter(results))
        if len(tries) == 1:
            raise ConnectionError("try again")
        return 1 + sum(1 for _ in results)

    ended = finalized(ports, settled(ports), These(moody))
    assert (ended.state, ended.output) == (BatchState.COMPLETED, Value(text="5"))


def test_a_fold_whose_output_is_not_json_fails_its_batch_with_the_reason(ports: Ports) -> None:
    ended = finalized(ports, settled(ports), These(lambda _: {1, 2}))
    assert_failed_with_its_results_kept(ports, ended, "not JSON")


def test_a_fold_that_kills_its_process_each_time_fails_its_batch(ports: Ports) -> None:
    """Each try is counted before it is made: three that left no trace were three."""
    batch = settled(ports)
    for _ in range(MAX_FOLD_ATTEMPTS):
        ports.batches.amend(batch.id, begin_fold)

    def never(_: Iterable[Result]) -> int:
        raise AssertionError("a fourth try")

    ended = finalized(ports, batch, These(never))
    assert_failed_with_its_results_kept(ports, ended, "ended its process each time")


def test_a_try_is_counted_before_it_is_made(ports: Ports) -> None:
    batch = settled(ports)
    counted: list[int] = []

    def fold(_: Iterable[Result]) -> int:
        counted.append(ports.batches.get(batch.id).fold_attempts)
        return 1

    finalized(ports, batch, These(fold))
    assert counted == [1]


def test_a_flow_that_cannot_be_loaded_fails_its_batch_with_the_reason_and_the_results_kept(
    ports: Ports,
) -> None:
    class Nowhere:
        def resolve(self, ref: FlowRef) -> Flow:
            raise FlowNotFound(f"flow {ref.name}: flows.py is gone")

    ended = finalized(ports, settled(ports), Nowhere())
    assert_failed_with_its_results_kept(ports, ended, "flows.py is gone")


def test_when_the_engine_fails_the_fold_is_not_to_blame(ports: Ports) -> None:
    batch = settled(ports)
    broken = with_faults(ports, [Fault("runs", "outcomes", "before", lose_reply)])
    with pytest.raises(EngineError):
        finalize(broken, EMBEDDED, These(count_ok), message(batch))
    assert ports.batches.get(batch.id).state is BatchState.FINALIZING


def test_a_large_output_goes_to_blobs_and_reads_back(ports: Ports) -> None:
    text = "é" * MAX_INLINE_OUTPUT_BYTES
    ended = finalized(ports, settled(ports), These(lambda _: text))
    assert ended.output is not None
    assert ended.output.text is None
    stored = text_of(ended.output, ports.blobs)
    assert stored is not None
    assert json.loads(stored) == text


def test_an_output_that_just_fits_stays_with_the_batch(ports: Ports) -> None:
    text = "x" * (MAX_INLINE_OUTPUT_BYTES - 2)
    ended = finalized(ports, settled(ports), These(lambda _: text))
    assert text_of(ended.output, ports.blobs) == json.dumps(text)
    assert ended.output is not None
    assert ended.output.blob is None
    assert text_of(None, ports.blobs) is None


def test_a_batch_whose_every_record_failed_is_failed(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 2))
    ports.runs.settle(batch, [failed(batch, 0), failed(batch, 1)])
    assert finalized(ports, batch).state is BatchState.FAILED


def test_asked_too_early_nothing_is_closed(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 2))
    ports.runs.settle(batch, [ok(batch, 0)])
    assert finalize(ports, EMBEDDED, Library(), message(batch)) == 0.0
    assert ports.batches.get(batch.id).state is BatchState.RUNNING
    ports.runs.settle(batch, [ok(batch, 1)])
    assert finalized(ports, batch).state is BatchState.COMPLETED


@pytest.mark.parametrize("how", ["completed", "empty", "canceled"])
def test_finalizing_what_has_ended_changes_nothing(ports: Ports, how: str) -> None:
    match how:
        case "completed":
            batch = settled(ports)
        case "empty":
            batch = sealed(ports, new_batch(ports, flow=FOLDING))
        case _:
            batch = with_records(ports, new_batch(ports, flow=FOLDING), RECORDS)
            cancel(ports, batch.id)
    ended = finalized(ports, batch, These(count_ok))
    assert finalize(ports, EMBEDDED, These(lambda _: 99), message(ended), repeated=True) == 0.0
    assert ports.batches.get(ended.id) == ended


def test_a_batch_that_is_gone_is_said_so(ports: Ports) -> None:
    with pytest.raises(BatchNotFound):
        finalize(ports, EMBEDDED, Library(), FinalizationMessage(batch_id="batch-aaaaaaaaaaaaaaaa"))


def test_a_canceled_batch_is_not_folded_and_says_why_it_ended(ports: Ports) -> None:
    batch = with_records(ports, new_batch(ports, flow=FOLDING), RECORDS)
    ports.runs.settle(batch, [ok(batch, 0)])
    cancel(ports, batch.id, "the user pressed Ctrl-C")
    ended = finalized(ports, batch, These(count_ok))
    assert (ended.state, ended.output) == (BatchState.CANCELED, None)
    assert ended.failure is not None
    assert ended.failure.message == "the user pressed Ctrl-C"
    assert ended.closed is not None
    assert (ended.closed.succeeded, ended.closed.canceled) == (1, 4)


# ------------------------------------------------------------------ claims


def claimed(ports: Ports, batch: Batch, owner: str, seconds: float) -> Batch:
    now = ports.clock.now()
    return ports.batches.close(batch.id, 1, Claim(owner, now + seconds), now)


def test_a_living_claim_is_stood_aside_for(ports: Ports, clock: StillClock) -> None:
    batch = settled(ports)
    claimed(ports, batch, "somebody/1", 8.0)
    assert finalize(ports, EMBEDDED, These(count_ok), message(batch)) == 0.0
    again = finalize(ports, EMBEDDED, These(count_ok), message(batch), repeated=True)
    assert again == 8.0, "a redelivery may be the claim's own: it comes again when that has ended"
    assert ports.batches.get(batch.id).state is BatchState.FINALIZING
    clock.pass_(8.1)
    assert finalized(ports, batch, These(count_ok)).output == Value(text="4")


def test_a_far_claim_is_looked_at_again_within_a_minute(ports: Ports) -> None:
    batch = settled(ports)
    claimed(ports, batch, "somebody/1", 500.0)
    assert finalize(ports, EMBEDDED, These(count_ok), message(batch), repeated=True) == 60.0


def test_the_claim_is_renewed_while_a_long_fold_works(ports: Ports, clock: StillClock) -> None:
    batch = settled(ports)
    policy = replace(EMBEDDED, claim_seconds=0.03)
    begun, gate = Event(), Event()

    def long(_: Iterable[Result]) -> str:
        begun.set()
        assert gate.wait(60)
        return "mine"

    thread = Thread(target=finalize, args=(ports, policy, These(long), message(batch)))
    thread.start()
    assert begun.wait(60)
    try:
        for _ in range(5):
            now = clock.now() + 10
            clock.pass_(10)
            until(lambda now=now: _claim(ports, batch).until > now)  # type: ignore[misc]
        assert finalize(ports, policy, These(lambda _: "theirs"), message(batch)) == 0.0
    finally:
        gate.set()
        thread.join()
    assert ports.batches.get(batch.id).output == Value(text='"mine"')


def _claim(ports: Ports, batch: Batch) -> Claim:
    claim = ports.batches.get(batch.id).claim
    assert claim is not None
    return claim


def test_a_finalizer_that_was_taken_over_changes_nothing_when_it_comes_to_its_end(
    ports: Ports, clock: StillClock
) -> None:
    batch = settled(ports)
    theirs: list[Batch] = []

    def slow(_: Iterable[Result]) -> str:
        clock.pass_(1000)  # as if it had been stopped, its renewal too
        theirs.append(finalized(ports, batch, These(lambda _: "theirs")))
        return "mine"

    finalize(ports, EMBEDDED, These(slow), message(batch))
    assert ports.batches.get(batch.id) == theirs[0]
    assert theirs[0].output == Value(text='"theirs"')


def test_a_finalizer_that_was_taken_over_does_not_fold_what_is_run_again_since(
    ports: Ports, clock: StillClock
) -> None:
    batch = settled(ports)
    tries: list[int] = []

    def slow(_: Iterable[Result]) -> str:
        tries.append(1)
        clock.pass_(1000)
        finalized(ports, batch, These(lambda _: "theirs"))
        retry(ports, batch.id, Selection(frozenset({RunState.FAILED})))
        raise ValueError("so that it is tried again")

    finalize(ports, EMBEDDED, These(slow), message(batch))
    again = ports.batches.get(batch.id)
    assert (again.generation, again.state) == (2, BatchState.PENDING)
    assert (len(tries), again.fold_attempts) == (1, 0)


def test_a_finalizer_that_was_relieved_does_not_end_what_another_is_at(
    ports: Ports, clock: StillClock
) -> None:
    batch = settled(ports)

    def slow(_: Iterable[Result]) -> str:
        clock.pass_(1000)
        claimed(ports, batch, "another/1", 60.0)
        return "mine"

    finalize(ports, EMBEDDED, These(slow), message(batch))
    stored = ports.batches.get(batch.id)
    assert stored.state is BatchState.FINALIZING
    assert stored.claim is not None
    assert stored.claim.owner == "another/1"


# --------------------------------------------------------------- integrity


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM runs WHERE place IN (SELECT min(place) FROM runs)",
        "UPDATE runs SET place = place + 1000 WHERE place IN (SELECT min(place) FROM runs)",
        "UPDATE runs SET status = 'failed' WHERE place IN (SELECT min(place) FROM runs)",
        "UPDATE slots SET digest = digest + 1",
    ],
    ids=["a result is lost", "another record's result", "another outcome", "another digest"],
)
def test_a_store_that_does_not_add_up_fails_the_batch_as_integrity(
    ports: Ports, tmp_path: Path, damage: str
) -> None:
    batch = settled(ports)
    db = sqlite3.connect(tmp_path / "home" / "fanfold.db")
    assert db.execute(damage).rowcount == 1
    db.commit()
    db.close()
    ended = finalized(ports, batch, These(count_ok))
    assert ended.state is BatchState.FAILED
    assert ended.failure is not None
    assert ended.failure.type == "Integrity"
    assert "fanfold verify" in ended.failure.message
    assert ended.output is None, "nothing is folded from what cannot be believed"
    assert ended.certificate is not None
    assert not ended.certificate.holds
    assert not verify(ports, batch.id).holds


def test_damage_that_comes_after_the_end_is_found_by_verifying(
    ports: Ports, tmp_path: Path
) -> None:
    ended = finalized(ports, settled(ports), These(count_ok))
    assert verify(ports, ended.id).holds
    db = sqlite3.connect(tmp_path / "home" / "fanfold.db")
    db.execute("DELETE FROM runs WHERE place IN (SELECT max(place) FROM runs)")
    db.commit()
    db.close()
    assert not verify(ports, ended.id).holds
