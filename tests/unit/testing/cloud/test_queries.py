"""Queries on the stand-in: filters, order, start, limit, sums."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.firestore_v1 import types

from fanfold.engines.google import values
from fanfold.engines.google.clients import Clients
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.querying import Where

DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {"n": 1, "s": "x"},
    "b": {"n": 2.0, "s": "x"},
    "c": {"n": 2, "s": "y"},
    "d": {"s": "x"},
    "e": {"n": "text", "s": "x"},
    "f": {"n": None, "s": "x"},
    "g": {"n": 3, "s": "x"},
    "h": {"n": True, "s": "x"},
}


@pytest.fixture(autouse=True)
def documents(firestore: Firestore) -> None:
    firestore.commit(
        [values.create(firestore.path("q", name), it) for name, it in DOCUMENTS.items()]
    )
    firestore.commit([values.create(firestore.path("q", "a", "sub", "z"), {"n": 1})])


def test_a_query_gives_the_fields_that_it_asks_for(firestore: Firestore) -> None:
    found = firestore.query("", "q", [Where("s", "==", "y")], fields=["s", "none"])
    assert [it.fields for it in found] == [{"s": "y"}]


@pytest.mark.parametrize(
    ("where", "more", "found"),
    [
        ([], {}, "abcdefgh"),
        ([], {"limit": 3}, "abc"),
        ([Where("n", "==", 2)], {}, "bc"),
        ([Where("n", "in", [1, 3, "text"])], {}, "aeg"),
        ([Where("s", "in", ["y", "x"])], {"limit": 3}, "abc"),
        ([Where("n", "<", 3)], {"order": "n"}, "abc"),
        ([Where("n", "<=", 2)], {"order": "n", "descending": True}, "cba"),
        ([Where("n", ">", 1)], {}, "bcg"),
        ([Where("n", ">=", 2.0)], {"order": "n"}, "bcg"),
        ([Where("s", "==", "x")], {"order": "n"}, "fhabge"),
        ([Where("s", "==", "x"), Where("n", ">", 1)], {"order": "n", "limit": 2}, "bg"),
        ([], {"order": "n", "descending": True}, "egcbahf"),
        ([], {"order": "n", "after": (2, "c")}, "ge"),
        ([], {"order": "n", "after": (2, "b")}, "cge"),
        ([], {"order": "n", "descending": True, "after": (2, "c")}, "bahf"),
        ([], {"order": "n", "descending": True, "after": (2, "b")}, "ahf"),
        ([Where("s", "==", "nothing")], {}, ""),
    ],
)
def test_a_query_finds_what_the_emulator_finds(
    firestore: Firestore, where: list[Where], more: dict[str, Any], found: str
) -> None:
    if "after" in more:
        value, name = more["after"]
        more = {**more, "after": (value, firestore.path("q", name))}
    assert "".join(it.id for it in firestore.query("", "q", where, **more)) == found


def test_a_collection_inside_of_a_document_is_its_own(firestore: Firestore) -> None:
    assert [it.id for it in firestore.query(firestore.path("q", "a"), "sub")] == ["z"]
    assert firestore.query(firestore.path("q", "b"), "sub") == []


def test_a_sum_and_its_count_leave_out_what_lacks_the_field(firestore: Firestore) -> None:
    assert firestore.aggregate("", "q", sums=["n"], count=True) == {"n": 8.0, "count": 7}
    assert firestore.aggregate("", "q", count=True) == {"count": 8}


def test_integers_add_up_to_an_integer(firestore: Firestore) -> None:
    found = firestore.aggregate("", "q", [Where("n", "==", 1)], sums=["n"])
    assert (found, type(found["n"])) == ({"n": 1}, int)


def test_the_sum_of_nothing_is_zero(firestore: Firestore) -> None:
    found = firestore.aggregate("", "q", [Where("s", "==", "z")], sums=["n"], count=True)
    assert found == {"n": 0, "count": 0}


def test_a_query_the_stand_in_does_not_know_is_refused(clients: Clients) -> None:
    request = types.RunQueryRequest(
        parent="projects/fanfold-test/databases/(default)/documents",
        structured_query={"from_": [{"collection_id": "q"}], "offset": 3},
    )
    with pytest.raises(exceptions.MethodNotImplemented, match="offset"):
        list(clients.firestore.run_query(request))
