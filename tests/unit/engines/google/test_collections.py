"""Documents of others, read page by page; on the stand-in, which answers as the service does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from fanfold.domain.collection_query import collection_query_from
from fanfold.engines.google import values
from fanfold.engines.google.clients import open_clients
from fanfold.engines.google.collections import GoogleCollections, json_of, quoted
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.values import RawValue, encode
from fanfold.errors import EngineError
from fanfold.testing.cloud import Cloud, Fault, running_cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def firestore(cloud: Cloud) -> Iterator[Firestore]:
    with open_clients(cloud.firestore_host, cloud.pubsub_host) as clients:
        yield Firestore(clients.firestore, "p", metadata=clients.firestore_metadata)


def put(firestore: Firestore, documents: dict[str, dict[str, Any]]) -> None:
    writes = [
        values.put(firestore.path(*path.split("/")), fields) for path, fields in documents.items()
    ]
    firestore.commit(writes)


def found(firestore: Firestore, rest: str, page: int = 2) -> list[tuple[str, dict[str, Any]]]:
    query = collection_query_from(f"firestore://{rest}")
    return list(GoogleCollections(firestore, page).documents(query))


def ids(firestore: Firestore, rest: str, page: int = 2) -> list[str]:
    return [name for name, _ in found(firestore, rest, page)]


# ------------------------------------------------------------------------- order


@pytest.fixture
def articles(firestore: Firestore) -> Firestore:
    put(
        firestore,
        {
            "articles/e": {"n": 1, "s": "open", "at": datetime(2024, 1, 1, tzinfo=UTC)},
            "articles/d": {"n": 2, "s": "open", "at": datetime(2024, 1, 2, tzinfo=UTC)},
            "articles/c": {"n": 2, "s": "done", "at": datetime(2024, 1, 3, tzinfo=UTC)},
            "articles/b": {"n": 2.0, "s": "open", "m": {"a b": 1}},
            "articles/a": {"s": "open"},
            "others/x": {"n": 1},
            "shops/s1/articles/y": {"n": 1},
        },
    )
    return firestore


@pytest.mark.parametrize("page", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("rest", "order"),
    [
        ("articles", "abcde"),
        ("articles?where=s==open", "abde"),
        ("articles?order=n", "ebcd"),
        ("articles?order=-n", "dcbe"),
        ("articles?where=n>=2", "bcd"),
        ("articles?where=n>=1&where=n<2", "e"),
        ("articles?where=s==open&order=n", "ebd"),
        ("articles?order=at", "edc"),
        ("articles?where=at>@2024-01-01", "dc"),
        ("articles?where=s==open&limit=3", "abd"),
        ("articles?limit=9", "abcde"),
        ("articles?where=m.a b==1", "b"),
        ("none", ""),
        ("shops/s1/articles", "y"),
    ],
)
def test_each_document_comes_once_and_in_order(
    articles: Firestore, rest: str, order: str, page: int
) -> None:
    assert ids(articles, rest, page) == list(order)


def test_no_more_is_read_than_what_is_asked_for(cloud: Cloud, articles: Firestore) -> None:
    before = cloud.operations.reads["articles"]
    assert len(ids(articles, "articles?limit=3")) == 3
    assert cloud.operations.reads["articles"] - before == 3


def test_pages_are_read_when_they_are_wanted(cloud: Cloud, articles: Firestore) -> None:
    before = cloud.operations.reads["articles"]
    documents = GoogleCollections(articles, 2).documents(
        collection_query_from("firestore://articles")
    )
    next(documents)
    assert cloud.operations.reads["articles"] - before == 2


def test_what_is_gone_meanwhile_does_not_hold_up_the_rest(articles: Firestore) -> None:
    documents = GoogleCollections(articles, 2).documents(
        collection_query_from("firestore://articles")
    )
    seen = [next(documents)[0], next(documents)[0]]
    articles.delete([articles.path("articles", "b"), articles.path("articles", "c")])
    assert seen + [name for name, _ in documents] == ["a", "b", "d", "e"]


def test_a_page_that_is_not_answered_is_asked_for_again(cloud: Cloud, articles: Firestore) -> None:
    cloud.faults.add(Fault("RunQuery", "unavailable", nth=2))
    assert ids(articles, "articles") == list("abcde")


# ------------------------------------------------------------------------ values


def test_each_value_has_its_json(firestore: Firestore) -> None:
    at = datetime(2024, 2, 29, 1, 2, 3, 4000, tzinfo=UTC)
    reference = RawValue(reference_value=firestore.path("shops", "s1"))
    point = RawValue()
    point.geo_point_value.latitude, point.geo_point_value.longitude = 52.5, 13.25
    fields = {
        "none": None, "yes": True, "n": 7, "f": 0.5, "t": "ä", "bytes": b"\x00\xff", "at": at,
        "list": [1, [], {"a": at}], "map": {"a": {"b": None}}, "empty": {},
        "reference": reference, "point": point,
    }  # fmt: skip
    put(firestore, {"a/b": fields})

    assert found(firestore, "a") == [
        ("b", {
            **{name: fields[name] for name in ("none", "yes", "n", "f", "t", "map", "empty")},
            "bytes": "AP8=",
            "at": "2024-02-29T01:02:03.004Z",
            "list": [1, [], {"a": "2024-02-29T01:02:03.004Z"}],
            "reference": "shops/s1",
            "point": {"latitude": 52.5, "longitude": 13.25},
        }),
    ]  # fmt: skip


def test_a_moment_keeps_its_nanoseconds() -> None:
    raw = encode(datetime(2024, 1, 1, tzinfo=UTC))
    raw.timestamp_value.nanos = 5
    assert json_of(raw) == "2024-01-01T00:00:00.000000005Z"


@pytest.mark.parametrize(
    ("field", "path"),
    [("a", "a"), ("a.b_1", "a.b_1"), ("a b", "`a b`"), ("1", "`1`"), ("ä.b`\\", "`ä`.`b\\`\\\\`")],
)
def test_a_field_that_is_no_plain_name_is_quoted(field: str, path: str) -> None:
    assert quoted(field) == path


def test_what_the_service_refuses_is_told(cloud: Cloud, articles: Firestore) -> None:
    cloud.faults.add(Fault("RunQuery", "denied"))
    with pytest.raises(EngineError):
        ids(articles, "articles")
