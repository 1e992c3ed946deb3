"""What the real services impose."""

from __future__ import annotations

from time import monotonic

import pytest

from fanfold.engines.google import values
from fanfold.engines.google.firestore import Aborted, Firestore, Unfit
from fanfold.testing.cloud import Cloud

MIB = 1024 * 1024


def test_a_document_of_more_than_a_mebibyte_is_refused(firestore: Firestore) -> None:
    path = firestore.path("things", "one")
    with pytest.raises(Unfit):
        firestore.commit([values.put(path, {"x": "y" * MIB})])
    firestore.commit([values.put(path, {"x": "y" * (MIB - 500)})])
    with pytest.raises(Unfit):
        firestore.commit([values.change(path, {"z": "y" * 500})])


def test_a_request_of_more_than_ten_mebibytes_is_refused(firestore: Firestore) -> None:
    def writes(count: int) -> list[object]:
        return [
            values.put(firestore.path("t", f"{n}"), {"x": "y" * 1_000_000}) for n in range(count)
        ]

    with pytest.raises(Unfit):
        firestore.commit(writes(11))
    firestore.commit(writes(10))


def test_a_document_takes_so_many_writes_a_second(cloud: Cloud, firestore: Firestore) -> None:
    cloud.limits.document_writes_per_second = 0.01
    one, other = firestore.path("t", "one"), firestore.path("t", "other")
    firestore.commit([values.put(one, {})])
    with pytest.raises(Aborted):
        firestore.commit([values.put(other, {}), values.put(one, {})])
    firestore.commit([values.put(other, {})])


def test_beyond_that_a_write_may_be_delayed_instead(cloud: Cloud, firestore: Firestore) -> None:
    cloud.limits.document_writes_per_second = 50
    cloud.limits.beyond = "delay"
    path = firestore.path("t", "one")
    began = monotonic()
    for _ in range(4):
        firestore.commit([values.put(path, {})])
    assert monotonic() - began >= 3 / 50


def test_a_commit_may_take_its_time(cloud: Cloud, firestore: Firestore) -> None:
    cloud.limits.commit_seconds = 0.05
    began = monotonic()
    firestore.commit([values.put(firestore.path("t", "one"), {})])
    assert monotonic() - began >= 0.05
