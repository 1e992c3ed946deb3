"""Faults: at the nth call or by chance, before it is done or after."""

from __future__ import annotations

import pytest

from fanfold.engines.google import values
from fanfold.engines.google.firestore import Aborted, Firestore, Unfit, Unsure
from fanfold.testing.cloud import Cloud, Fault, Faults
from fanfold.testing.cloud.faults import Kind


@pytest.fixture
def path(firestore: Firestore) -> str:
    return firestore.path("things", "one")


def test_a_lost_reply_is_of_something_done(cloud: Cloud, firestore: Firestore, path: str) -> None:
    cloud.faults.add(Fault("Commit", "lost-reply", nth=2))
    firestore.commit([values.put(path, {"x": 1})])
    with pytest.raises(Unsure):
        firestore.commit([values.put(path, {"x": 2})])
    firestore.commit([values.change(path, {}, increments={"x": 10})])
    found = firestore.get_one(path)
    assert found is not None
    assert found.fields == {"x": 12}


@pytest.mark.parametrize(
    ("kind", "error"),
    [("unavailable", Unsure), ("aborted", Aborted), ("refused", Unfit), ("exhausted", Unsure)],
)
def test_what_is_refused_is_not_done(
    cloud: Cloud, firestore: Firestore, path: str, kind: Kind, error: type[Exception]
) -> None:
    cloud.faults.add(Fault("Commit", kind, times=1))
    with pytest.raises(error):
        firestore.commit([values.put(path, {"x": 1})])
    assert firestore.get_one(path) is None
    firestore.commit([values.put(path, {"x": 1})])


def test_a_fault_may_be_for_some_requests_only(
    cloud: Cloud, firestore: Firestore, path: str
) -> None:
    fault = cloud.faults.add(Fault("Commit", "aborted", touching="/slots/"))
    firestore.commit([values.put(path, {})])
    with pytest.raises(Aborted):
        firestore.commit([values.put(f"{path}/slots/1-0", {})])
    assert (fault.calls, fault.struck) == (1, 1)
    cloud.faults.clear()
    firestore.commit([values.put(f"{path}/slots/1-0", {})])


def test_a_lost_reply_of_a_read_is_read_again(
    cloud: Cloud, firestore: Firestore, path: str
) -> None:
    firestore.commit([values.put(path, {"x": 1})])
    for method in ("BatchGetDocuments", "RunQuery", "RunAggregationQuery"):
        cloud.faults.add(Fault(method, "lost-reply", nth=1))
    assert firestore.get_one(path) is not None
    assert len(firestore.query("", "things")) == 1
    assert firestore.aggregate("", "things", count=True) == {"count": 1}
    assert cloud.operations.calls["RunQuery"] == 2


def test_chance_comes_up_the_same_for_the_same_seed() -> None:
    request = values.put("things/one", {})

    def struck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault("Commit", "aborted", probability=0.3))
        return ["aborted" in faults.strike("Commit", request) for _ in range(200)]

    assert struck(7) == struck(7) != struck(8)
    assert 30 < sum(struck(7)) < 90
