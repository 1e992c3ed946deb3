"""Documents as records, of whoever hands them in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from fanfold.domain.collection_query import CollectionQuery, collection_query_from
from fanfold.domain.records import MAX_RECORD_BYTES
from fanfold.errors import SourceInvalid
from fanfold.sources.collections import from_documents


class Shelf:
    def __init__(self, **documents: dict[str, Any]) -> None:
        self._documents = documents

    def documents(self, query: CollectionQuery) -> Iterator[tuple[str, dict[str, Any]]]:
        assert query.path == ("shops", "s1", "articles")
        yield from self._documents.items()


QUERY = collection_query_from("firestore://shops/s1/articles?order=n")


def test_a_document_is_a_record_with_its_id_as_the_key() -> None:
    (line,) = from_documents(Shelf(a={"id": "other", "n": 1}), QUERY)
    assert (line.key, line.keyed, line.data) == ("a", True, {"id": "other", "n": 1})
    assert (line.body, line.place) == (
        '{"id": "other", "n": 1}', "firestore://shops/s1/articles/a",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "said"),
    [(math.nan, "not JSON compliant"), ("x" * MAX_RECORD_BYTES, "a record has at most")],
    ids=["nan", "large"],
)
def test_a_document_that_cannot_be_a_record_is_named_and_the_others_go_on(
    value: Any, said: str
) -> None:
    shelf, told = Shelf(a={"n": value}, b={"n": 2}), list[SourceInvalid]()

    assert [it.key for it in from_documents(shelf, QUERY, on_problem=told.append)] == ["b"]

    (problem,) = told
    assert str(problem).startswith("firestore://shops/s1/articles/a: ")
    assert said in str(problem)
