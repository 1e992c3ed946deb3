"""Pages, and what closing leaves behind."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fanfold.domain import batch as rules
from fanfold.domain.batch import Batch, BatchState, Claim, Ending
from fanfold.domain.options import BatchOptions
from fanfold.domain.records import Page, Record
from fanfold.domain.run import RunState
from fanfold.ports import Ports, Station
from fanfold.testing.conformance.rig import (
    after_page,
    live,
    new_batch,
    ok,
    page_of,
    sealed,
    with_records,
)


def rows(home: Path, table: str) -> int:
    db = sqlite3.connect(home / "fanfold.db")
    (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  its own tables
    db.close()
    return int(count)


def close(ports: Ports, batch: Batch) -> Batch:
    now = ports.clock.now()
    return ports.batches.close(batch.id, batch.generation, Claim("me/1", now + 60), now)


def test_records_are_read_across_pages_of_uneven_sizes(ports: Ports) -> None:
    batch = new_batch(ports)
    for size in (1, 500, 3, 1):
        before = batch.checkpoint
        batch = ports.batches.append(page_of(batch, before, size), before, after_page(before, size))
    for start, stop in [(0, 505), (0, 1), (1, 2), (500, 502), (504, 505), (3, 3), (7, 2)]:
        indexes = [it.index for it in ports.batches.records(batch.id, start, stop)]
        assert indexes == list(range(start, stop))
    assert [it.index for it in ports.batches.records(batch.id, 503, 9999)] == [503, 504]


def test_a_record_s_key_and_data_come_back_as_they_were(ports: Ports) -> None:
    batch = new_batch(ports)
    records = (
        Record(0, None, "null"),
        Record(1, "tab\tand\nline", '{"text":"tab\\tand\\nline"}'),
        Record(2, "", '"\u2028 \U0001f600"'),
    )
    before = batch.checkpoint
    ports.batches.append(Page(batch.id, 0, 0, records), before, after_page(before, 3))
    assert tuple(ports.batches.records(batch.id, 0, 3)) == records


def test_two_batches_that_are_read_at_once_do_not_mix(ports: Ports) -> None:
    one = with_records(ports, new_batch(ports), 30)
    two = with_records(ports, new_batch(ports), 30)
    pairs = zip(
        ports.batches.records(one.id, 0, 30), ports.batches.records(two.id, 0, 30), strict=True
    )
    assert all(first.index == second.index for first, second in pairs)


def test_finding_goes_on_behind_a_batch_that_is_gone_from_the_newest(ports: Ports) -> None:
    batches = [new_batch(ports) for _ in range(3)]
    found = ports.batches.find(before="batch-aaaaaaaaaaaaaaaa")
    assert [it.id for it in found] == [it.id for it in reversed(batches)]
    assert ports.batches.find(states=[]) == []


def test_a_closed_batch_keeps_no_counters_but_its_closed_ones(home: Path, ports: Ports) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 1))
    ports.runs.settle(batch, [ok(batch, 0)])
    assert rows(home, "slots") == 1
    assert close(ports, batch).state is BatchState.FINALIZING
    assert [rows(home, it) for it in ("slots", "errors", "windows")] == [0, 0, 0]
    assert ports.runs.tally(batch.id).succeeded == 1


def test_closing_a_stopped_batch_drops_what_is_queued_and_what_waits(ports: Ports) -> None:
    batch = with_records(ports, new_batch(ports), 5)
    other = with_records(ports, new_batch(ports), 1)
    ports.queue.publish(Station.RUNS, batch.id, [b"held", b"queued", b"queued"])
    ports.queue.publish(Station.RUNS, other.id, [b"another batch's"])
    held = ports.queue.pull(Station.RUNS, 1)
    now = ports.clock.now()
    ports.leases.wait(batch, [live(batch, 3, RunState.WAITING, now)])
    ports.leases.wait(other, [live(other, 0, RunState.WAITING, now)])
    ending = Ending(BatchState.CANCELED, "enough")
    ports.batches.amend(batch.id, lambda it: rules.stop(it, ending))
    close(ports, batch)
    assert ports.leases.lives(batch.id, range(5)) == {}
    assert ports.queue.backlog(Station.RUNS) == 2, "the held one, and the other batch's"
    ports.queue.ack(held)
    assert [it.body for it in ports.queue.pull(Station.RUNS, 9)] == [b"another batch's"]
    assert len(ports.leases.lives(other.id, [0])) == 1


def test_a_batch_that_ended_by_itself_drops_nothing(ports: Ports) -> None:
    batch = sealed(ports, new_batch(ports))
    ports.queue.publish(Station.RUNS, batch.id, [b"a duplicate"])
    close(ports, batch)
    assert ports.queue.backlog(Station.RUNS) == 1


@pytest.mark.parametrize("state", [BatchState.RUNNING, BatchState.PAUSED])
def test_results_land_in_an_open_batch_only(ports: Ports, state: BatchState) -> None:
    batch = with_records(ports, new_batch(ports, options=BatchOptions(concurrency=2)), 2)
    if state is BatchState.PAUSED:
        ports.batches.amend(batch.id, rules.pause)
    assert ports.runs.settle(batch, [ok(batch, 0)]) == ["counted"]
    ports.batches.amend(batch.id, lambda it: rules.stop(it, Ending(BatchState.CANCELED, "enough")))
    assert ports.runs.settle(batch, [ok(batch, 1)]) == ["late"]
    assert ports.runs.tally(batch.id).settled == 1
    now = ports.clock.now()
    ports.leases.hold(batch, [live(batch, 1, RunState.RUNNING, now + 60, "me")])
    ports.leases.wait(batch, [live(batch, 1, RunState.WAITING, now)])
    assert ports.leases.lives(batch.id, [1]) == {}, "nobody may start or wait any more"
    assert ports.leases.wake(batch, now, now + 60, 10) == []
