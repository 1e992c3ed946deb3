"""Operations are counted the way they are billed."""

from __future__ import annotations

from fanfold.engines.google import values
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.querying import Where
from fanfold.ports import Ports, Station
from fanfold.testing.cloud import Cloud


def test_documents_written_and_deleted(cloud: Cloud, firestore: Firestore) -> None:
    one, slot = firestore.path("runs", "one"), firestore.path("batches", "b", "slots", "1-0")
    firestore.commit([values.create(one, {}), values.create(slot, {})])
    before = cloud.operations
    firestore.commit([values.change(slot, {}, increments={"n": 1}), values.delete(one)])
    firestore.commit([values.change(slot, {}, increments={"n": 1})])
    done = cloud.operations - before
    assert (done.written, done.deleted, done.read) == (2, 1, 0)
    assert done.calls == {"Commit": 2}
    assert done.writes_by_collection() == {"slots": 2}
    assert done.deletes_by_collection() == {"runs": 1}
    assert done.hottest() == [(slot, 2)]


def test_documents_read(cloud: Cloud, firestore: Firestore) -> None:
    paths = [firestore.path("runs", f"{n}") for n in range(1500)]
    firestore.commit([values.create(path, {"n": 1}) for path in paths])
    before = cloud.operations
    firestore.get([*paths[:3], firestore.path("runs", "none")])
    assert (cloud.operations - before).reads == {"runs": 4}
    firestore.query("", "runs", limit=7)
    assert (cloud.operations - before).reads == {"runs": 11}
    firestore.query("", "runs", [Where("n", "==", 2)])
    assert (cloud.operations - before).reads == {"runs": 12}
    firestore.aggregate("", "runs", sums=["n"])
    assert (cloud.operations - before).reads == {"runs": 14}


def test_messages(cloud: Cloud, ports: Ports) -> None:
    before = cloud.operations
    ports.queue.publish(Station.FINALIZATIONS, "batch", [b"1", b"2", b"3"])
    ports.queue.release(ports.queue.pull(Station.FINALIZATIONS, 2))
    ports.queue.pull(Station.FINALIZATIONS, 10)
    done = cloud.operations - before
    assert done.published.total() == 3
    assert done.delivered.total() == 5
    assert (done.calls["Publish"], done.calls["Pull"]) == (1, 2)


def test_bytes_of_messages_and_a_thousand_of_each_request_at_least(
    cloud: Cloud, ports: Ports
) -> None:
    before = cloud.operations
    ports.queue.publish(Station.RUNS, "batch", [b"1"])
    ports.queue.publish(Station.RUNS, "batch", [b"2" * 3000, b"3" * 3000])
    ports.queue.pull(Station.RUNS, 1)
    ports.queue.pull(Station.RUNS, 2)
    billed = (cloud.operations - before).billed
    told = {name.split("/")[2]: size // 1000 for name, size in billed.items()}
    assert told == {"topics": 1 + 6, "subscriptions": 1 + 6}
