"""Queries, and what the service makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from google.cloud.firestore_v1 import types

from fanfold.engines.google.values import encode

#: of a document: its path
NAME = "__name__"


@dataclass(frozen=True, slots=True)
class Where:
    field: str
    op: str
    value: Any


_OPS = types.StructuredQuery.FieldFilter.Operator
_OPERATORS = {
    "==": _OPS.EQUAL,
    "<": _OPS.LESS_THAN,
    "<=": _OPS.LESS_THAN_OR_EQUAL,
    ">": _OPS.GREATER_THAN,
    ">=": _OPS.GREATER_THAN_OR_EQUAL,
    "in": _OPS.IN,
    "contains": _OPS.ARRAY_CONTAINS,
}


class How(TypedDict, total=False):
    #: by NAME the paths alone are the order: the service orders by no field that a filter holds
    #: equal
    order: str | None
    descending: bool
    #: from the one behind the document of this value and path on; of equal values the paths decide,
    #: and by NAME no value counts
    after: tuple[Any, str] | None
    limit: int | None
    #: these alone
    fields: Sequence[str]


def ask_for(query: Any, collection: str, where: Sequence[Where], **how: Unpack[How]) -> None:
    """Fill in a structured query."""
    _select(query, collection, where)
    for name in how.get("fields", ()):
        query.select.fields.add(field_path=name)
    order = how.get("order")
    if order is not None:
        directions = types.StructuredQuery.Direction
        direction = directions.DESCENDING if how.get("descending") else directions.ASCENDING
        for name in dict.fromkeys((order, NAME)):
            query.order_by.add(direction=direction).field.field_path = name
        after = how.get("after")
        if after is not None:
            value, path = after
            if order != NAME:
                query.start_at.values.append(encode(value))
            query.start_at.values.add(reference_value=path)
            query.start_at.before = False
    limit = how.get("limit")
    if limit is not None:
        query.limit.value = limit


def _select(query: Any, collection: str, where: Sequence[Where]) -> None:
    query.from_.add(collection_id=collection)
    if not where:
        return
    filters = query.where.composite_filter
    filters.op = types.StructuredQuery.CompositeFilter.Operator.AND
    for it in where:
        part = filters.filters.add().field_filter
        part.field.field_path = it.field
        part.op = _OPERATORS[it.op]
        part.value.CopyFrom(encode(it.value))
