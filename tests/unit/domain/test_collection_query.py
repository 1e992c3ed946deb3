from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from fanfold.domain.collection_query import CollectionQuery, Condition, collection_query_from
from fanfold.errors import SourceInvalid


def query(rest: str) -> CollectionQuery:
    return collection_query_from(f"firestore://{rest}")


def test_a_collection_is_read_by_the_ids_of_its_documents() -> None:
    assert query("articles") == CollectionQuery(("articles",))


def test_a_collection_may_be_inside_a_document() -> None:
    assert query("shops/s1/articles").path == ("shops", "s1", "articles")
    assert query("shops/a%2Fb/articles").path == ("shops", "a/b", "articles")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("open", "open"),
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ('"3"', "3"),
        ("[1]", "[1]"),
        ("NaN", "NaN"),
        ("", ""),
        ("a=b<c", "a=b<c"),
        ("R%26D", "R&D"),
        ("a+b", "a+b"),
        ("@2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("@2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("@2024-02-29T01:00:00+01:00",
         datetime(2024, 2, 29, 1, tzinfo=timezone(timedelta(hours=1)))),
    ],
)  # fmt: skip
def test_a_value_is_json_a_moment_or_else_text(value: str, meant: Any) -> None:
    assert query(f"articles?where=status=={value}").where == (Condition("status", "==", meant),)


@pytest.mark.parametrize("op", ["==", "<", "<=", ">", ">="])
def test_each_comparison_is_known(op: str) -> None:
    assert query(f"a?where=n.of{op}3").where == (Condition("n.of", op, 3),)


def test_several_conditions_an_order_and_a_limit_may_be_given() -> None:
    it = query("a?where=s==x&where=n>=3&where=n<9&order=-n&limit=10")
    assert it.where == (Condition("s", "==", "x"), Condition("n", ">=", 3), Condition("n", "<", 9))
    assert (it.order, it.descending, it.limit) == ("n", True, 10)


def test_what_is_compared_orders_unless_something_else_is_said() -> None:
    assert query("a?where=s==x&where=n>3").order == "n"
    assert query("a?where=n>3&order=m").order == "m"
    assert query("a?where=s==x").order is None


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("", "name a collection"),
        ("shops/s1", "name a collection, or one in a document"),
        ("shops//articles", "name a collection"),
        ("a?where=status", "write FIELD==VALUE"),
        ("a?where===x", "write FIELD==VALUE"),
        ("a?where=s!=x", "write FIELD==VALUE"),
        ("a?where=s==null", "null is no value to compare with"),
        ("a?where=s==@soon", "write a moment as @2024-02-29T00:00:00Z"),
        ("a?order=", "'order=' is no part of it"),
        ("a?order=-", "name a field"),
        ("a?order=n&order=m", "'order=m' is no part of it"),
        ("a?where=s==x&order=s", "it is the same in all of them"),
        ("a?limit=0", "write a number, 1 or more"),
        ("a?limit=many", "write a number"),
        ("a?sort=n", "'sort=n' is no part of it"),
    ],
)
def test_what_is_written_otherwise_is_refused_in_one_line(rest: str, said: str) -> None:
    with pytest.raises(SourceInvalid) as refused:
        query(rest)
    assert str(refused.value).startswith(f"firestore://{rest}: ")
    assert said in str(refused.value)
    assert "It is written firestore://COLLECTION?where=FIELD==VALUE" in str(refused.value)
