"""What is counted on the wire is what the stand-in for the services bills."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google import meter
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.meter import Meter, kept_in, read_all
from fanfold.engines.google.provision import provision
from fanfold.ports import Ports, Station
from fanfold.testing.cloud import Cloud, Fault, running_cloud
from fanfold.testing.conformance.rig import new_batch, ok, sealed, with_records

BATCH = "batch-aaaaaaaaaaaaaaaa"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def counting() -> Meter:
    return Meter()


@pytest.fixture
def clients(cloud: Cloud, counting: Meter) -> Iterator[Clients]:
    with open_clients(cloud.firestore_host, cloud.pubsub_host, [counting]) as clients:
        yield clients


@pytest.fixture
def ports(clients: Clients, tmp_path: Path) -> Iterator[Ports]:
    provision(clients.publisher, clients.subscriber, "metered-project", "")
    blobs = FolderBlobs(tmp_path)
    with google_engine(clients, blobs, project="metered-project") as ports:
        yield ports


def test_writes_deletes_and_reads_are_those_that_are_billed(
    cloud: Cloud, counting: Meter, ports: Ports
) -> None:
    batch = sealed(ports, with_records(ports, new_batch(ports), 25))
    ports.runs.settle(batch, [ok(batch, index) for index in range(20)])
    ports.runs.settle(batch, [ok(batch, index) for index in range(25)])  # some are settled already
    ports.runs.read(batch.id, range(10))
    ports.runs.tally(batch.id)
    ports.runs.settled(batch.id)
    ports.batches.find()
    list(ports.batches.records(batch.id, 0, 25))
    counts, billed = counting.counts, cloud.operations
    assert counts[meter.WRITES] == billed.written
    assert counts[meter.DELETES] == billed.deleted
    assert counts[meter.READS] == billed.read


def test_a_commit_that_is_refused_writes_nothing(
    cloud: Cloud, counting: Meter, ports: Ports
) -> None:
    batch = with_records(ports, new_batch(ports), 2)
    before = counting.counts
    cloud.faults.add(Fault("Commit", "aborted", times=2))
    ports.runs.settle(batch, [ok(batch, 0)])
    done = counting.counts - before
    assert done[meter.WRITES] == 2, "the run, and its slot"


def test_results_that_a_fold_reads_are_counted_apart(counting: Meter, ports: Ports) -> None:
    batch = with_records(ports, new_batch(ports), 5)
    ports.runs.settle(batch, [ok(batch, index) for index in range(5)])
    before = counting.counts
    assert len(list(ports.runs.outcomes(batch.id, 0, 5))) == 5
    done = counting.counts - before
    assert (done[meter.RESULTS_READ], done[meter.READS]) == (5, 0)


def test_messages_and_the_requests_that_publish_them_are_counted(
    counting: Meter, ports: Ports
) -> None:
    ports.queue.publish(Station.RUNS, BATCH, [b"x"] * 700)
    assert counting.counts[meter.PUBLISHED] == 700
    assert counting.counts[meter.PUBLISHES] == 2


def test_the_counts_of_every_process_are_found_in_the_folder(cloud: Cloud, tmp_path: Path) -> None:
    folder = tmp_path / "meter"
    with (
        kept_in(folder) as kept,
        open_clients(cloud.firestore_host, cloud.pubsub_host, [kept]) as clients,
        google_engine(clients, FolderBlobs(tmp_path), project="metered-project") as ports,
    ):
        with_records(ports, new_batch(ports), 25)
    assert kept.counts[meter.WRITES] > 0
    assert read_all(folder) == kept.counts
    (folder / "4242.json").write_text('{"writes": 4}', encoding="utf-8")
    assert read_all(folder)[meter.WRITES] == kept.counts[meter.WRITES] + 4
