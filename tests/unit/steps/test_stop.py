"""Stopping: once, for good, with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fanfold.domain.batch import Batch, BatchState
from fanfold.domain.outcome import Blame, Failed, Failure
from fanfold.domain.run import Run
from fanfold.domain.settling import Verdict
from fanfold.errors import EngineError, IllegalTransition
from fanfold.folds.stream import stream_results
from fanfold.ports import Ports
from fanfold.steps.stop import cancel, end_if_fatal
from fanfold.testing.conformance.rig import failed, new_batch, ok, sealed, with_records
from fanfold.testing.faults import Fault, lose_reply, with_faults
from fanfold.testing.stations import finalizations_taken, finalized


@pytest.fixture
def batch(ports: Ports) -> Batch:
    return sealed(ports, with_records(ports, new_batch(ports), 4))


def fatal(batch: Batch, index: int = 0, **changes: Any) -> Run:
    failure = Failure(Blame.FATAL, "Fatal", "the account is closed")
    return replace(ok(batch, index), outcome=Failed(replace(failure, **changes)))


def test_a_canceled_batch_says_so_and_is_asked_to_be_finalized(ports: Ports, batch: Batch) -> None:
    assert cancel(ports, batch.id).state is BatchState.CANCELING
    assert len(finalizations_taken(ports)) == 1


def test_canceling_twice_keeps_the_first_reason_and_asks_again(ports: Ports, batch: Batch) -> None:
    first = cancel(ports, batch.id, "first")
    assert cancel(ports, batch.id, "second") == first
    assert len(finalizations_taken(ports)) == 2, "whoever canceled first may have died"


def test_canceling_what_was_canceled_changes_nothing(ports: Ports, batch: Batch) -> None:
    cancel(ports, batch.id)
    ended = finalized(ports, batch)
    finalizations_taken(ports)
    assert cancel(ports, batch.id, "again") == ended
    assert finalizations_taken(ports) == []


def test_what_has_ended_otherwise_cannot_be_canceled(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, n) for n in range(4)])
    ended = finalized(ports, batch)
    with pytest.raises(IllegalTransition, match="completed"):
        cancel(ports, batch.id)
    assert ports.batches.get(batch.id) == ended


def test_a_cancel_that_died_before_it_asked_is_made_up_for_by_repeating_it(
    ports: Ports, batch: Batch
) -> None:
    broken = with_faults(ports, [Fault("queue", "publish", "before", lose_reply)])
    with pytest.raises(EngineError):
        cancel(broken, batch.id)
    cancel(ports, batch.id)
    assert len(finalizations_taken(ports)) == 1


def test_what_was_settled_before_a_cancel_is_kept_and_the_rest_is_canceled(
    ports: Ports, batch: Batch
) -> None:
    ports.runs.settle(batch, [ok(batch, 2, '"kept"')])
    cancel(ports, batch.id, "enough")
    assert ports.runs.settle(batch, [ok(batch, 3)]) == [Verdict.LATE]
    ended = finalized(ports, batch)
    results = list(stream_results(ports.runs, ports.batches, ports.blobs, ended))
    assert [str(it.status) for it in results] == ["canceled", "canceled", "succeeded", "canceled"]
    assert results[2].output == "kept"
    assert results[0].error == {"type": "Canceled", "message": "enough"}


def test_fatal_fails_the_batch_with_the_reason_and_skips_the_rest(
    ports: Ports, batch: Batch
) -> None:
    ports.runs.settle(batch, [ok(batch, 1), fatal(batch)])
    end_if_fatal(ports, fatal(batch))
    assert len(finalizations_taken(ports)) == 1
    ended = finalized(ports, batch)
    assert ended.state is BatchState.FAILED
    assert ended.failure is not None
    assert ended.failure.message == "record 0 raised Fatal: the account is closed"
    assert ended.closed is not None
    counts = (ended.closed.succeeded, ended.closed.failed, ended.closed.skipped)
    assert counts == (1, 1, 2)
    assert ended.certificate is not None
    assert ended.certificate.holds


def test_an_ordinary_outcome_ends_nothing(ports: Ports, batch: Batch) -> None:
    end_if_fatal(ports, ok(batch, 0))
    end_if_fatal(ports, failed(batch, 1))
    assert ports.batches.get(batch.id) == batch


def test_the_second_fatal_changes_nothing_but_asks(ports: Ports, batch: Batch) -> None:
    end_if_fatal(ports, fatal(batch, 0))
    first = ports.batches.get(batch.id)
    end_if_fatal(ports, fatal(batch, 1))
    assert ports.batches.get(batch.id) == first
    assert len(finalizations_taken(ports)) == 2


def test_fatal_comes_too_late_for_what_has_ended(ports: Ports, batch: Batch) -> None:
    ports.runs.settle(batch, [ok(batch, n) for n in range(4)])
    ended = finalized(ports, batch)
    end_if_fatal(ports, fatal(batch))
    assert ports.batches.get(batch.id) == ended


def test_a_reason_no_terminal_could_print_is_made_printable(ports: Ports, batch: Batch) -> None:
    end_if_fatal(ports, fatal(batch, 0, message="half a pair \ud800"))
    ending = ports.batches.get(batch.id).ending
    assert ending is not None
    assert ending.reason.encode()
