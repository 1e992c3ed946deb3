"""Commits on the stand-in: all or nothing, under conditions, as on the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from fanfold.engines.google import values
from fanfold.engines.google.firestore import Exists, Firestore, Missing, Stale, Unfit
from fanfold.testing.cloud import Cloud


def fields(firestore: Firestore, path: str) -> dict[str, Any] | None:
    document = firestore.get_one(path)
    return None if document is None else document.fields


@pytest.fixture
def there(firestore: Firestore) -> str:
    """A document."""
    path = firestore.path("things", "there")
    firestore.commit([values.create(path, {"x": 1, "y": {"a": 1, "b": 2}})])
    return path


@pytest.fixture
def nowhere(firestore: Firestore) -> str:
    return firestore.path("things", "nowhere")


def test_what_must_not_exist_and_does_is_refused(firestore: Firestore, there: str) -> None:
    with pytest.raises(Exists):
        firestore.commit([values.create(there, {"x": 2})])


def test_what_must_exist_and_does_not_is_refused(firestore: Firestore, nowhere: str) -> None:
    with pytest.raises(Missing):
        firestore.commit([values.change(nowhere, {"x": 2})])


def test_of_several_reasons_the_first_write_s_is_told(
    firestore: Firestore, there: str, nowhere: str
) -> None:
    twice, missing = values.create(there, {}), values.change(nowhere, {})
    with pytest.raises(Exists):
        firestore.commit([twice, missing])
    with pytest.raises(Missing):
        firestore.commit([missing, twice])


def test_what_is_missing_is_told_first_if_that_is_asked_for(
    cloud: Cloud, firestore: Firestore, there: str, nowhere: str
) -> None:
    cloud.limits.missing_first = True
    with pytest.raises(Missing):
        firestore.commit([values.create(there, {}), values.change(nowhere, {})])


def test_nothing_of_a_refused_commit_is_written(firestore: Firestore, there: str) -> None:
    new = firestore.path("things", "new")
    with pytest.raises(Exists):
        firestore.commit(
            [
                values.create(new, {"x": 1}),
                values.change(there, {"x": 5}, increments={"n": 1}),
                values.create(there, {}),
            ]
        )
    assert fields(firestore, new) is None
    assert fields(firestore, there) == {"x": 1, "y": {"a": 1, "b": 2}}


def test_a_document_that_changed_since_it_was_read_is_not_written(
    firestore: Firestore, there: str
) -> None:
    read = firestore.get_one(there)
    assert read is not None
    firestore.commit([values.change(there, {"x": 2}, since=read.update_time)])
    with pytest.raises(Stale):
        firestore.commit([values.change(there, {"x": 3}, since=read.update_time)])
    with pytest.raises(Stale):
        firestore.commit([values.delete(there, since=read.update_time)])
    firestore.commit([values.delete(there)])
    with pytest.raises(Stale):
        firestore.commit([values.delete(there, since=read.update_time)])
    firestore.commit([values.delete(there)])


def test_a_write_that_changes_nothing_leaves_the_time_of_the_last_change(
    firestore: Firestore, there: str
) -> None:
    before = firestore.get_one(there)
    firestore.commit([values.change(there, {"x": 1})])
    after = firestore.get_one(there)
    assert before is not None
    assert after is not None
    assert after.update_time == before.update_time


def test_increments_add_make_and_saturate(firestore: Firestore, there: str) -> None:
    near = 2**63 - 2
    firestore.commit([values.change(there, {"near": near, "text": "a", "double": 1.5})])
    firestore.commit(
        [
            values.change(
                there,
                {},
                increments={"x": 2, "new": 4, "near": 5, "text": 1, "double": 1, "y.`1d`": 7},
            )
        ]
    )
    assert fields(firestore, there) == {
        "x": 3,
        "new": 4,
        "near": 2**63 - 1,
        "text": 1,
        "double": 2.5,
        "y": {"a": 1, "b": 2, "1d": 7},
    }


def test_a_mask_sets_what_it_names_and_drops_what_is_not_given(
    firestore: Firestore, there: str
) -> None:
    write = values.change(there, {"z": 1}, nested=[(("y", "b"), 9), (("q", "r"), 0)])
    write.update_mask.field_paths.append("x")
    firestore.commit([write])
    assert fields(firestore, there) == {"y": {"a": 1, "b": 9}, "q": {"r": 0}, "z": 1}


def test_a_write_without_a_mask_replaces_the_document(firestore: Firestore, there: str) -> None:
    firestore.commit([values.put(there, {"z": 1})])
    assert fields(firestore, there) == {"z": 1}


def test_later_writes_of_a_commit_see_the_earlier_ones(firestore: Firestore, nowhere: str) -> None:
    firestore.commit([values.create(nowhere, {"x": 1}), values.change(nowhere, {"y": 2})])
    assert fields(firestore, nowhere) == {"x": 1, "y": 2}


@pytest.mark.parametrize("path", ["m.1d", "m.a-b", "", "m.", "`"])
def test_a_path_that_is_none_is_refused(firestore: Firestore, there: str, path: str) -> None:
    with pytest.raises(Unfit):
        firestore.commit([values.change(there, {}, increments={path: 1})])


def test_a_read_can_be_limited_to_some_fields(firestore: Firestore, there: str) -> None:
    assert firestore.get([there], fields=[])[there].fields == {}
    assert firestore.get([there], fields=["y.b"])[there].fields == {"y": {"b": 2}}


def test_a_collection_is_no_document(firestore: Firestore) -> None:
    with pytest.raises(Unfit):
        firestore.commit([values.create(firestore.path("things"), {})])
