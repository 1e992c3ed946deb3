"""Looking at a subscription without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fanfold.domain.priority import PRIORITIES, Priority
from fanfold.engines.folder_blobs import FolderBlobs
from fanfold.engines.google.clients import Clients, open_clients
from fanfold.engines.google.engine import google_engine
from fanfold.engines.google.looking import look
from fanfold.engines.google.provision import provision
from fanfold.errors import EngineError
from fanfold.ports import Ports, Station
from fanfold.testing.cloud import Cloud, Fault, running_cloud

PROJECT = "looking-project"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def clients(cloud: Cloud) -> Iterator[Clients]:
    with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        yield clients


@pytest.fixture
def ports(clients: Clients, tmp_path: Path) -> Iterator[Ports]:
    provision(clients.publisher, clients.subscriber, PROJECT, "", backoff=False)
    with google_engine(clients, FolderBlobs(tmp_path), project=PROJECT) as ports:
        yield ports


def test_where_there_is_nothing_it_answers_at_once(clients: Clients, ports: Ports) -> None:
    name = f"projects/{PROJECT}/subscriptions/fanfold-runs-high"
    assert list(look(clients.subscriber, name, 10, seconds=60.0).received_messages) == []
    ports.queue.publish(Station.RUNS, "b", [b"one"], Priority.HIGH)
    (found,) = look(clients.subscriber, name, 10, seconds=60.0).received_messages
    assert (found.message.data, found.delivery_attempt) == (b"one", 1)


@pytest.mark.parametrize("touching", ["runs-high", "runs-low"])
def test_a_look_that_fails_is_an_error_of_the_engine_s(
    cloud: Cloud, ports: Ports, touching: str
) -> None:
    cloud.faults.add(Fault("Pull", "unavailable", touching=touching, times=1))
    ports.queue.publish(Station.RUNS, "b", [b"one"], Priority.LOW)
    with pytest.raises(EngineError, match="Pub/Sub"):
        ports.queue.pull(Station.RUNS, 10)
    assert [it.body for it in ports.queue.pull(Station.RUNS, 10)] == [b"one"]


def test_where_a_class_has_no_subscription_that_is_said(clients: Clients, tmp_path: Path) -> None:
    with (
        google_engine(clients, FolderBlobs(tmp_path), project=PROJECT, prefix="none-") as ports,
        pytest.raises(EngineError, match="does not exist"),
    ):
        ports.queue.pull(Station.RUNS, 10, wait=1.0)


def test_each_class_has_a_topic_and_a_subscription_of_its_own(cloud: Cloud, ports: Ports) -> None:
    before = cloud.operations
    for it in PRIORITIES:
        ports.queue.publish(Station.RUNS, "b", [it.encode()], it)
        ports.queue.pull(Station.RUNS, 10)
    done = cloud.operations - before
    names = {name.rpartition("/")[2] for name in (*done.published, *done.delivered)}
    assert names == {"fanfold-runs", "fanfold-runs-high", "fanfold-runs-low"}
