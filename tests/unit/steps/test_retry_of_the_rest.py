"""A batch that was stopped while its source was being read: a retry reads the rest first, so that
no record of the source is forgotten. On both engines."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.messages import FanOutMessage
from fanfold.domain.run import RunState
from fanfold.domain.tally import Counts
from fanfold.errors import BatchPruned, EngineError
from fanfold.ports import Ports, Station
from fanfold.steps.fan_out import fail_source, fan_out
from fanfold.steps.paging import read_late
from fanfold.steps.prune import prune_one
from fanfold.steps.retry import Selection, retry
from fanfold.steps.status import status_of, verify
from fanfold.steps.stop import cancel
from fanfold.testing.conformance.rig import failed, ok
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.home import Home
from fanfold.testing.stations import after, fanned_out, finalized, runs_taken, taken

pytestmark = pytest.mark.each_engine

PUPPET = "fanfold.testing.puppet:puppet"
#: of three pages
RECORDS: list[Any] = [{"n": n} for n in range(1200)]
PAGE = 500
CANCELED = Selection(states=frozenset({RunState.CANCELED}), what="--canceled")
FAILED = Selection(states=frozenset({RunState.FAILED}), what="--failed")


def begun(home: Home, ports: Ports, **options: Any) -> Batch:
    """Its first page is read, and no more."""
    batch = home.create(RECORDS, PUPPET, **options)
    taken(ports, Station.FAN_OUT)
    fan_out(ports, FanOutMessage(batch_id=batch.id), after(1))
    taken(ports, Station.FAN_OUT)
    begun = ports.batches.get(batch.id)
    assert (begun.sealed, begun.checkpoint.records) == (False, PAGE)
    return begun


def canceled(home: Home, ports: Ports, **options: Any) -> Batch:
    batch = begun(home, ports, **options)
    ports.runs.settle(batch, [failed(batch, 0), ok(batch, 1)])
    cancel(ports, batch.id)
    return finalized(ports, batch)


def counts_of(ports: Ports, batch: Batch) -> Counts:
    return status_of(ports, batch.id).counts


def test_what_was_stopped_early_counts_what_had_been_read(home: Home, ports: Ports) -> None:
    batch = canceled(home, ports)
    assert batch.cut_short
    assert counts_of(ports, batch) == Counts(total=PAGE, succeeded=1, failed=1, canceled=PAGE - 2)


def test_what_was_read_to_its_end_is_not_cut_short(home: Home, ports: Ports) -> None:
    batch = fanned_out(ports, home.create(RECORDS, PUPPET))
    cancel(ports, batch.id)
    assert not finalized(ports, batch).cut_short


@pytest.mark.parametrize("options", [{}, {"concurrency": 2000}, {"shuffle": True}])
def test_a_retry_of_all_that_was_canceled_runs_the_whole_source(
    home: Home, ports: Ports, options: dict[str, Any]
) -> None:
    if options.get("shuffle"):  # nothing of it was published
        batch = begun(home, ports, **options)
        cancel(ports, batch.id)
        batch = finalized(ports, batch)
    else:
        batch = canceled(home, ports, **options)
    runs_taken(ports)
    retried = retry(ports, batch.id, Selection(what="all"))
    assert retried.records == len(RECORDS)
    again = fanned_out(ports, retried.batch)
    indexes = sorted(it.index for it in runs_taken(ports))
    assert indexes == list(range(len(RECORDS)))
    ports.runs.settle(again, [ok(again, index) for index in indexes])
    ended = finalized(ports, again)
    assert ended.state is BatchState.COMPLETED
    assert not ended.cut_short
    certificate = verify(ports, batch.id)
    assert certificate.holds
    assert certificate.whole
    assert certificate.total == len(RECORDS)


def test_what_was_never_read_counts_as_what_was_left_in_the_queue(home: Home, ports: Ports) -> None:
    batch = canceled(home, ports)
    retried = retry(ports, batch.id, CANCELED)
    assert retried.records == len(RECORDS) - 2
    assert counts_of(ports, batch) == Counts(
        total=len(RECORDS), queued=len(RECORDS) - 2, succeeded=1, failed=1
    )


def test_a_retry_of_others_leaves_it_undone_and_counted(home: Home, ports: Ports) -> None:
    batch = canceled(home, ports)
    again = fanned_out(ports, retry(ports, batch.id, FAILED).batch)
    ports.runs.settle(again, [ok(again, 0)])
    ended = finalized(ports, again)
    assert ended.state is BatchState.CANCELED
    assert counts_of(ports, batch) == Counts(
        total=len(RECORDS), succeeded=2, canceled=len(RECORDS) - 2
    )
    assert verify(ports, batch.id).holds


def test_a_batch_whose_budget_was_overspent_early_counts_the_rest_as_skipped(
    home: Home, ports: Ports
) -> None:
    batch = begun(home, ports)
    batch = fail_source(ports, batch, "for a test")
    batch = finalized(ports, batch)
    read_late(ports, batch)
    assert counts_of(ports, batch) == Counts(total=len(RECORDS), skipped=len(RECORDS))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("page", [1, 2])
def test_whoever_dies_while_it_reads_the_rest_leaves_a_batch_that_adds_up(
    home: Home, ports: Ports, when: Any, page: int
) -> None:
    batch = canceled(home, ports)
    dies = with_faults(ports, [Fault("batches", "append", when, lose_reply, nth=page)])
    with pytest.raises(EngineError):
        retry(dies, batch.id, CANCELED)
    left = ports.batches.get(batch.id)
    read = PAGE * (page - 1 if when == "before" else page) + PAGE
    assert left.state is BatchState.CANCELED
    assert left.known_total == min(read, len(RECORDS))
    assert left.certificate is not None
    assert left.certificate.holds
    assert verify(ports, batch.id).holds
    counts = counts_of(ports, batch)
    assert counts.canceled == counts.total - 2
    assert retry(ports, batch.id, CANCELED).records == len(RECORDS) - 2


def test_two_that_read_the_rest_at_once_read_it_once(home: Home, ports: Ports) -> None:
    batch = canceled(home, ports)

    def meanwhile() -> None:
        read_late(ports, batch)

    faults = [Fault("batches", "append", "before", meanwhile)]
    read = read_late(with_faults(ports, faults), batch)
    assert (read.known_total, read.checkpoint.pages, read.cut_short) == (len(RECORDS), 3, False)
    indexes = [it.index for it in ports.batches.records(batch.id, 0, len(RECORDS))]
    assert indexes == list(range(len(RECORDS)))


def test_a_source_that_cannot_be_read_on_never_makes_a_completed_batch(
    home: Home, ports: Ports
) -> None:
    batch = canceled(home, ports)
    ports.blobs.delete(batch.source.blob)
    again = fanned_out(ports, retry(ports, batch.id, Selection(what="all")).batch)
    assert again.known_total == PAGE
    ports.runs.settle(again, [ok(again, index) for index in range(PAGE)])
    ended = finalized(ports, again)
    assert ended.state is BatchState.CANCELED
    assert ended.cut_short
    assert verify(ports, batch.id).holds


def test_what_is_pruned_is_not_read_on(home: Home, ports: Ports) -> None:
    batch = canceled(home, ports)
    prune_one(ports, batch.id)
    with pytest.raises(BatchPruned):
        retry(ports, batch.id, CANCELED)
    assert list(ports.batches.records(batch.id, 0, len(RECORDS))) == []
