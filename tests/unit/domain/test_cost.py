"""What a batch would cost: the protocol's operations, ahead of time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfold.domain.cost import MILLION, Workload, estimate, operations_of

PLAIN = Workload(records=MILLION, record_bytes=200)


def written(work: Workload) -> int:
    return sum(operations_of(work).writes.values())


def read(work: Workload) -> int:
    return sum(operations_of(work).reads.values())


def test_a_million_records_keep_the_budget() -> None:
    """DESIGN's: orchestration alone, without the request fees of push."""
    orchestration = sum(it.dollars for it in estimate(PLAIN).once if "invocation" not in it.name)
    assert 0.95 < orchestration < 1.20
    assert written(PLAIN) / MILLION <= 1.06
    assert read(PLAIN) / MILLION <= 0.05
    assert operations_of(PLAIN).publish_requests / MILLION <= 0.01


def test_a_small_batch_is_counted_to_the_last_operation() -> None:
    operations = operations_of(Workload(records=1000, record_bytes=100))
    assert operations.writes == {"runs": 1000, "slots": 50, "pages": 2, "batches": 9}
    assert operations.reads == {"runs": 2, "slots": 71, "pages": 2, "batches": 15}
    assert operations.deletes == {"slots": 1}
    assert (operations.publish_requests, operations.messages, operations.events) == (8, 1004, 2)
    assert (operations.bytes_published, operations.bytes_pushed) == (283_000, 1_004_000)


def test_a_fold_reads_every_result() -> None:
    assert read(replace(PLAIN, folds=True)) - read(PLAIN) == MILLION + 1
    more = estimate(replace(PLAIN, folds=True)).dollars - estimate(PLAIN).dollars
    assert more == pytest.approx(0.30, abs=0.001)


def test_a_limit_costs_looks_at_the_window_and_requests() -> None:
    free, limited = operations_of(PLAIN), operations_of(replace(PLAIN, concurrency=1))
    assert limited.writes["control"] == MILLION + 1
    assert limited.publish_requests == MILLION + 4
    assert "control" not in free.writes
    wide = operations_of(replace(PLAIN, concurrency=50))
    assert wide.writes["control"] == pytest.approx(MILLION / 20, rel=0.01)


def test_a_rate_takes_its_time_and_a_write_now_and_then() -> None:
    limited = replace(PLAIN, concurrency=200)
    rated = replace(limited, rate=10.0)
    assert limited.least_seconds is None
    assert rated.least_seconds == pytest.approx(MILLION / 10, rel=0.001)
    more = written(rated) - written(limited)
    assert more == pytest.approx(MILLION / 20, rel=0.01), "turns of two seconds at a time"
    assert read(rated) - read(limited) == more


def test_small_messages_cost_a_thousand_bytes_each_when_pushed_but_not_when_published() -> None:
    operations = operations_of(PLAIN)
    assert operations.bytes_pushed == operations.messages * 1000
    assert operations.bytes_published < MILLION * 400
    one_by_one = operations_of(replace(PLAIN, concurrency=1))
    assert one_by_one.bytes_published == one_by_one.publish_requests * 1000


def test_a_record_over_the_limit_of_a_message_travels_by_reference() -> None:
    large = operations_of(Workload(records=1000, record_bytes=100_000))
    assert large.bytes_published < 1000 * 1000
    assert large.reads["pages"] >= 1000
    assert large.writes["pages"] == 191  # by their bytes, not by five hundred


def test_a_grid_runs_each_record_with_each_combination() -> None:
    """The store keeps a record for each of its runs; its source is copied once."""
    grid, plain = replace(PLAIN, combinations=3), replace(PLAIN, records=3 * MILLION)
    assert grid.runs == 3 * MILLION
    assert operations_of(grid).writes == operations_of(plain).writes
    assert operations_of(grid).bucket_bytes == operations_of(PLAIN).bucket_bytes


def test_outputs_too_large_for_a_document_go_to_the_bucket() -> None:
    small = operations_of(replace(PLAIN, output_bytes=1000))
    large = operations_of(replace(PLAIN, output_bytes=300_000, folds=True))
    assert (small.bucket_writes, large.bucket_writes) == (1, MILLION + 1)
    assert large.bucket_reads > MILLION
    assert large.document_bytes < small.document_bytes
    assert large.bucket_bytes > MILLION * 300_000


def test_instances_are_paid_for_the_time_that_they_share() -> None:
    unknown, known = operations_of(PLAIN), operations_of(replace(PLAIN, seconds=2.0))
    assert unknown.instance_seconds is None
    assert known.instance_seconds == MILLION * 2 / 32
    alone = operations_of(replace(PLAIN, seconds=2.0, runs_at_once=1))
    assert alone.instance_seconds == MILLION * 2
    few = operations_of(replace(PLAIN, seconds=2.0, concurrency=4))
    assert few.instance_seconds == MILLION * 2 / 4
    names = {line.name for line in estimate(replace(PLAIN, seconds=2.0)).once}
    assert {"vCPU-seconds", "GiB-seconds"} <= names
    assert "vCPU-seconds" not in {line.name for line in estimate(PLAIN).once}


def test_a_run_that_lasts_has_a_lease_that_is_renewed_and_ended() -> None:
    short, long = (operations_of(replace(PLAIN, seconds=it)) for it in (5.0, 50.0))
    assert "live" not in short.writes
    assert long.writes["live"] == 3 * MILLION
    assert long.deletes["live"] == MILLION


def test_nothing_costs_next_to_nothing() -> None:
    told = estimate(Workload(records=0, record_bytes=0))
    assert told.dollars < 0.001
    assert told.dollars_per_million > 0.9


def test_a_million_is_told_of_the_same_records_whatever_the_batch_has() -> None:
    few = estimate(replace(PLAIN, records=10))
    assert few.dollars_per_million == pytest.approx(estimate(PLAIN).dollars)


def test_the_total_is_the_sum_of_its_lines() -> None:
    told = estimate(replace(PLAIN, seconds=1.0))
    assert told.dollars == pytest.approx(sum(it.price.of(it.amount) for it in told.once))
    assert told.dollars_a_month == pytest.approx(sum(it.dollars for it in told.monthly))
