"""A fold is called again on a batch that has ended; whatever it does, nothing else changes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fanfold import Result, flow
from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Claim
from fanfold.domain.flow import FlowRef
from fanfold.domain.outcome import MAX_INLINE_OUTPUT_BYTES, Value
from fanfold.engines.embedded.engine import embedded_engine
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.errors import Conflict, Contended, EngineError, FlowInvalid
from fanfold.folds.builtin import collect, reduce
from fanfold.folds.stream import text_of
from fanfold.ports import Ports
from fanfold.steps.fold_again import FoldFailed, fold_again, fold_of, try_fold
from fanfold.steps.stop import cancel
from fanfold.testing.clock import StillClock
from fanfold.testing.cloud import running_cloud
from fanfold.testing.conformance.rig import failed, new_batch, ok, sealed, with_records
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.stations import finalized
from tests.conformance.google import google_rig

FOLDING = FlowRef("folded", "1", "nowhere:folded", folds=True)
RECORDS = 5


class These:
    def __init__(self, fold: Callable[[Iterable[Result]], Any] | None) -> None:
        @flow(id="folded", fold=fold)
        def folded(record: Any) -> Any:
            return record

        self.flow = folded

    def resolve(self, _ref: FlowRef) -> Any:
        return self.flow


def broken(_: Iterable[Result]) -> int:
    raise KeyError("price")


def count_ok(results: Iterable[Result]) -> int:
    return sum(it.ok for it in results)


@pytest.fixture(params=["embedded", "google"])
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ports]:
    """Each engine, one after the other."""
    if request.param == "embedded":
        with embedded_engine(tmp_path / "home", StillClock()) as engine:
            yield engine
        return
    blobs = FolderBlobs(tmp_path)
    with (
        running_cloud(still=True) as cloud,
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_rig(clients, blobs, blobs, lambda: None) as rig,
    ):
        yield rig.ports


def ended(ports: Ports, fold: Callable[[Iterable[Result]], Any]) -> Batch:
    """Of its records one failed; with this fold."""
    batch = sealed(ports, with_records(ports, new_batch(ports, flow=FOLDING), RECORDS))
    runs = [failed(batch, n) if n == 3 else ok(batch, n, f'"{n}"') for n in range(RECORDS)]
    ports.runs.settle(batch, runs)
    return finalized(ports, batch, These(fold))


def test_a_batch_that_its_fold_failed_is_completed_by_the_mended_one(each: Ports) -> None:
    batch = ended(each, broken)
    assert batch.state is BatchState.FAILED

    folded, text = fold_again(each, batch, count_ok)

    assert each.batches.get(batch.id) == folded
    assert (folded.state, folded.output, folded.failure) == (
        BatchState.COMPLETED,
        Value("4"),
        None,
    )
    assert text == "4"
    assert folded.certificate == batch.certificate
    assert folded.closed == batch.closed
    assert folded.ended_at == batch.ended_at


def test_a_completed_batch_may_be_folded_anew_any_number_of_times(ports: Ports) -> None:
    batch = ended(ports, count_ok)
    for fold, output in ((collect(), '["0", "1", "2", null, "4"]'), (count_ok, "4")):
        folded, _ = fold_again(ports, ports.batches.get(batch.id), fold)
        assert (folded.state, folded.output) == (BatchState.COMPLETED, Value(output))


def test_a_batch_whose_every_record_failed_stays_failed_and_has_its_output(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 2))
    ports.runs.settle(batch, [failed(batch, 0), failed(batch, 1)])
    folded, _ = fold_again(ports, finalized(ports, batch), count_ok)
    assert (folded.state, folded.output) == (BatchState.FAILED, Value("0"))


@pytest.mark.parametrize("fold", [broken, lambda _: {1, 2}], ids=["raises", "makes no JSON"])
def test_a_fold_that_fails_leaves_everything_and_can_be_repeated(
    ports: Ports, fold: Callable[[Iterable[Result]], Any]
) -> None:
    for before in (ended(ports, broken), ended(ports, count_ok)):
        with pytest.raises(FoldFailed, match="is as it was: mend the fold and call it again"):
            fold_again(ports, before, fold)
        assert ports.batches.get(before.id) == before
        assert fold_again(ports, before, count_ok)[0].state is BatchState.COMPLETED


def test_when_the_engine_fails_the_fold_is_not_to_blame(ports: Ports) -> None:
    batch = ended(ports, broken)
    sick = with_faults(ports, [Fault("runs", "outcomes", "before", lose_reply)])
    with pytest.raises(EngineError):
        fold_again(sick, batch, count_ok)
    assert ports.batches.get(batch.id) == batch


def test_trying_stores_nothing(ports: Ports) -> None:
    batch = ended(ports, broken)
    seen: list[int] = []
    assert try_fold(ports, batch, count_ok, seen.append) == "4"
    assert ports.batches.get(batch.id) == batch
    assert seen == [1, 2, 3, 4, 5]


# ------------------------------------------------------------- large outputs


def blobs_of(home: Path, batch: Batch) -> list[str]:
    return [it.name for it in (home / "blobs" / batch.id).glob("output*")]


def test_a_large_output_takes_the_place_of_the_older_one(ports: Ports, tmp_path: Path) -> None:
    size = MAX_INLINE_OUTPUT_BYTES
    batch = ended(ports, lambda _: "a" * size)
    for letter in "bc":
        fold = reduce(lambda so_far, _: so_far, letter * size)
        folded, _ = fold_again(ports, ports.batches.get(batch.id), fold)
        assert json.loads(text_of(folded.output, ports.blobs) or "") == letter * size
        assert len(blobs_of(tmp_path / "home", batch)) == 1
    fold_again(ports, ports.batches.get(batch.id), count_ok)
    assert blobs_of(tmp_path / "home", batch) == []


def test_the_last_of_two_at_once_stands_and_is_whole(each: Ports) -> None:
    size = MAX_INLINE_OUTPUT_BYTES
    batch = ended(each, broken)

    def slow(_: Iterable[Result]) -> str:
        fold_again(each, batch, lambda _: "theirs" + "x" * size)
        return "mine" + "x" * size

    fold_again(each, batch, slow)

    stored = each.batches.get(batch.id)
    assert stored.state is BatchState.COMPLETED
    assert json.loads(text_of(stored.output, each.blobs) or "") == "mine" + "x" * size


def test_a_crash_before_the_transaction_leaves_the_older_output(ports: Ports) -> None:
    size = MAX_INLINE_OUTPUT_BYTES
    batch = ended(ports, lambda _: "old" + "x" * size)
    dying = with_faults(ports, [Fault("batches", "amend", "before", crash)])
    with pytest.raises(KeyboardInterrupt):
        fold_again(dying, batch, lambda _: "new" + "x" * size)
    assert ports.batches.get(batch.id) == batch
    assert json.loads(text_of(batch.output, ports.blobs) or "").startswith("old")


def crash() -> None:
    raise KeyboardInterrupt


def test_a_lost_reply_costs_no_output(ports: Ports) -> None:
    size = MAX_INLINE_OUTPUT_BYTES
    batch = ended(ports, broken)
    deaf = with_faults(ports, [Fault("batches", "amend", "after", lose_reply)])
    with pytest.raises(EngineError):
        fold_again(deaf, batch, lambda _: "x" * size)
    stored = ports.batches.get(batch.id)
    assert stored.state is BatchState.COMPLETED
    assert json.loads(text_of(stored.output, ports.blobs) or "") == "x" * size


def test_a_transaction_that_is_repeated_does_not_forget_its_own_output(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    amend = ports.batches.amend

    def twice(batch_id: str, arrow: Callable[[Batch], Batch]) -> Batch:
        amend(batch_id, arrow)
        return amend(batch_id, arrow)

    batch = ended(ports, broken)
    monkeypatch.setattr(ports.batches, "amend", twice)
    folded, _ = fold_again(ports, batch, lambda _: "x" * MAX_INLINE_OUTPUT_BYTES)
    assert text_of(folded.output, ports.blobs)


def test_what_was_folded_while_a_retry_opened_the_batch_again_is_dropped(
    ports: Ports, tmp_path: Path
) -> None:
    batch = ended(ports, broken)

    def slow(_: Iterable[Result]) -> str:
        ports.batches.amend(batch.id, lambda it: replace(it, generation=2))
        return "x" * MAX_INLINE_OUTPUT_BYTES

    with pytest.raises(Contended, match="fold it again"):
        fold_again(ports, batch, slow)
    assert ports.batches.get(batch.id).output is None
    assert blobs_of(tmp_path / "home", batch) == [], "nothing is left of it"


# ------------------------------------------------------------------ refusals


def test_a_batch_that_is_still_open_is_not_folded(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 2))
    for fold in (fold_again, try_fold):
        with pytest.raises(Conflict, match="is running: not all of its results are there"):
            fold(ports, batch, count_ok)


def test_while_it_is_being_finalized_it_is_not_folded(ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports, flow=FOLDING), 1))
    ports.runs.settle(batch, [ok(batch, 0)])
    now = ports.clock.now()
    batch = ports.batches.close(batch.id, 1, Claim("somebody", now + 60), now)
    for fold in (fold_again, try_fold):
        with pytest.raises(Conflict, match="is finalizing: its fold is being called now"):
            fold(ports, batch, count_ok)


def test_of_a_canceled_batch_a_fold_may_be_tried_and_is_not_kept(ports: Ports) -> None:
    batch = with_records(ports, new_batch(ports), 3)
    ports.runs.settle(batch, [ok(batch, 0)])
    cancel(ports, batch.id)
    batch = finalized(ports, batch)
    with pytest.raises(Conflict, match="is canceled: it cannot refold"):
        fold_again(ports, batch, count_ok)
    assert try_fold(ports, batch, count_ok) == "1"


def test_results_that_do_not_add_up_any_more_are_not_folded(ports: Ports, tmp_path: Path) -> None:
    batch = ended(ports, count_ok)
    db = sqlite3.connect(tmp_path / "home" / "fanfold.db")
    db.execute("DELETE FROM runs WHERE place IN (SELECT max(place) FROM runs)")
    db.commit()
    db.close()
    for fold in (fold_again, try_fold):
        with pytest.raises(Conflict, match="do not add up"):
            fold(ports, batch, count_ok)
    assert ports.batches.get(batch.id) == batch


def test_a_batch_is_refused_before_its_results_are_read(ports: Ports) -> None:
    batch = with_records(ports, new_batch(ports), 1)
    ending = rules.Ending(BatchState.FAILED, "no credit left")
    ports.batches.amend(batch.id, lambda it: rules.stop(it, ending))
    batch = finalized(ports, batch)

    def never(_: Iterable[Result]) -> int:
        raise AssertionError("it was called")

    with pytest.raises(Conflict, match="was stopped: no credit left"):
        fold_again(ports, batch, never)


def test_the_flow_s_fold_is_today_s_and_none_is_said_so() -> None:
    assert fold_of(These(count_ok), FOLDING) is count_ok
    with pytest.raises(FlowInvalid, match=r"flow folded has no fold\. Give it one"):
        fold_of(These(None), FOLDING)
