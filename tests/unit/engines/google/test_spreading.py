"""Where a process' slot is fought over it takes others as well, and the sum stays exact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.domain.settling import Effort
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.ports import Ports
from fanfold.testing.cloud import Cloud, Fault, running_cloud
from fanfold.testing.conformance.rig import new_batch, ok, sealed, with_records

TOTAL = 40


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def ports(cloud: Cloud, tmp_path: Path) -> Iterator[Ports]:
    with (
        open_clients(cloud.firestore_host, cloud.pubsub_host) as clients,
        google_engine(clients, FolderBlobs(tmp_path), project="spread-project", slots=8) as ports,
    ):
        yield ports


def slots_written(cloud: Cloud) -> dict[str, int]:
    return {it: count for it, count in cloud.operations.writes.items() if "/slots/" in it}


def settle_each(ports: Ports, effort: Effort | None = None) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports, slots=8), TOTAL, page=TOTAL))
    for index in range(TOTAL):
        ports.runs.settle(batch, [ok(batch, index)], effort=effort)
    tally = ports.runs.tally(batch.id)
    assert (tally.succeeded, ports.runs.settled(batch.id)) == (TOTAL, TOTAL)
    assert tally.commits == TOTAL


def test_in_peace_a_process_adds_to_one_slot(cloud: Cloud, ports: Ports) -> None:
    settle_each(ports)
    assert list(slots_written(cloud).values()) == [TOTAL]


def test_each_fight_doubles_the_slots_it_uses_in_turn(cloud: Cloud, ports: Ports) -> None:
    cloud.faults.add(Fault("Commit", "aborted", touching="/slots/", nth=3, times=1))
    effort = Effort()
    settle_each(ports, effort)
    written = slots_written(cloud)
    assert sorted(written.values()) == [TOTAL // 2 - 1, TOTAL // 2 + 1]
    assert effort.repeats == 1


def test_it_takes_no_more_than_there_are(cloud: Cloud, ports: Ports) -> None:
    cloud.faults.add(Fault("Commit", "aborted", touching="/slots/", times=12))
    settle_each(ports)
    assert len(slots_written(cloud)) == 8


def test_a_slot_is_made_with_the_first_results_that_go_there(cloud: Cloud, ports: Ports) -> None:
    """So that what bears a write a second is not written to twice within a moment."""
    batch = with_records(ports, new_batch(ports, slots=8), 20, page=20)
    ports.runs.settle(batch, [ok(batch, index) for index in range(20)])
    assert list(slots_written(cloud).values()) == [1]
    assert ports.runs.tally(batch.id).succeeded == 20


def test_under_a_limit_of_a_write_a_second_nothing_is_lost_or_counted_twice(
    cloud: Cloud, ports: Ports
) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports, slots=8), 30, page=30))
    cloud.limits.document_writes_per_second = 20.0
    for index in range(30):
        ports.runs.settle(batch, [ok(batch, index)])
    assert ports.runs.tally(batch.id).succeeded == 30
    assert ports.runs.recount(batch.id).succeeded == 30
