"""Structured queries over one collection: filters, one order, a start, a limit, sums.

An order may name the documents' paths as its second part, in the same direction; without it they
decide between equals all the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from google.cloud.firestore_v1 import types

from fanfold.testing.cloud import fields
from fanfold.testing.cloud.refusal import unimplemented
from fanfold.testing.cloud.writes import add

_RawValue = types.Value.pb()
_OPS = types.StructuredQuery.FieldFilter.Operator
_COMPARE: dict[int, Callable[[Any, Any], bool]] = {
    _OPS.EQUAL: operator.eq,
    _OPS.LESS_THAN: operator.lt,
    _OPS.LESS_THAN_OR_EQUAL: operator.le,
    _OPS.GREATER_THAN: operator.gt,
    _OPS.GREATER_THAN_OR_EQUAL: operator.ge,
}
#: these order nothing
_EQUAL = {_OPS.EQUAL, _OPS.IN, _OPS.ARRAY_CONTAINS}
_DESCENDING = types.StructuredQuery.Direction.DESCENDING
_NAME = "__name__"
_KNOWN = {"from_", "select", "where", "order_by", "start_at", "limit"}


def collection_of(query: Any) -> str:
    unknown = {it.name for it, _ in query.ListFields()} - _KNOWN
    if unknown or len(query.from_) != 1 or query.from_[0].all_descendants:
        raise unimplemented(f"query like this: {unknown or 'from'}")
    name: str = query.from_[0].collection_id
    return name


def run(query: Any, documents: Sequence[Any]) -> list[Any]:
    """Those it selects of a collection's documents, which come ordered by id."""
    filters = _filters(query)
    found = [it for it in documents if all(_matches(it, filter_) for filter_ in filters)]
    order, descending = _order(query, filters)
    if order is not None:
        if order != (_NAME,):
            found = [it for it in found if fields.find(it.fields, order) is not None]
        # the id decides between equals, in the same direction
        found.sort(key=lambda it: (_key(it, order), it.name), reverse=descending)
    if query.HasField("start_at"):
        values = query.start_at.values
        if order is None or not values or len(values) > len(query.order_by):
            raise unimplemented("start of this kind")
        at, before = tuple(fields.sort_key(it) for it in values), query.start_at.before
        found = [it for it in found if _starts(_keys(it, order)[: len(at)], at, before, descending)]
    return found[: query.limit.value] if query.HasField("limit") else found


def aggregate(aggregations: Sequence[Any], documents: Sequence[Any]) -> dict[str, Any]:
    """What lacks one of the summed fields is left out of all, of the count too."""
    kinds = {it.WhichOneof("operator") for it in aggregations}
    if kinds - {"sum", "count"}:
        raise unimplemented(f"aggregation {kinds}")
    sums = {
        it.alias: fields.parse(it.sum.field.field_path)
        for it in aggregations
        if it.WhichOneof("operator") == "sum"
    }
    found = [
        it
        for it in documents
        if all(fields.find(it.fields, path) is not None for path in sums.values())
    ]
    answers = {}
    for it in aggregations:
        if it.alias in sums:
            values = [fields.find(document.fields, sums[it.alias]) for document in found]
            answers[it.alias] = add([value for value in values if fields.is_number(value)])
        else:
            answers[it.alias] = _RawValue(integer_value=len(found))
    return answers


def _filters(query: Any) -> list[Any]:
    if not query.HasField("where"):
        return []
    parts = [query.where]
    if query.where.WhichOneof("filter_type") == "composite_filter":
        if query.where.composite_filter.op != types.StructuredQuery.CompositeFilter.Operator.AND:
            raise unimplemented("OR in a query")
        parts = list(query.where.composite_filter.filters)
    for part in parts:
        if part.WhichOneof("filter_type") != "field_filter" or (
            part.field_filter.op not in {*_COMPARE, *_EQUAL}
        ):
            raise unimplemented("filter of this kind")
    return [part.field_filter for part in parts]


def _matches(document: Any, filter_: Any) -> bool:
    value = fields.find(document.fields, fields.parse(filter_.field.field_path))
    if value is None:
        return False
    if filter_.op == _OPS.IN:
        return fields.sort_key(value) in map(fields.sort_key, filter_.value.array_value.values)
    if filter_.op == _OPS.ARRAY_CONTAINS:
        wanted = fields.sort_key(filter_.value)
        return any(fields.sort_key(it) == wanted for it in value.array_value.values)
    one, other = fields.sort_key(value), fields.sort_key(filter_.value)
    # only values of one type are compared
    return one[0] == other[0] and _COMPARE[filter_.op](one[1], other[1])


def _order(query: Any, filters: Sequence[Any]) -> tuple[tuple[str, ...] | None, bool]:
    """What is compared orders, if nothing else is said."""
    extra = query.order_by[1:]
    if any(it.field.field_path != _NAME for it in extra) or len(extra) > 1:
        raise unimplemented("order by several fields")
    if any(it.direction != query.order_by[0].direction for it in extra):
        raise unimplemented("an order in two directions")
    for it in query.order_by:
        return fields.parse(it.field.field_path), it.direction == _DESCENDING
    for filter_ in filters:
        if filter_.op not in _EQUAL:
            return fields.parse(filter_.field.field_path), False
    return None, False


def _key(document: Any, order: tuple[str, ...]) -> tuple[int, Any]:
    if order == (_NAME,):
        return fields.sort_key(_RawValue(reference_value=document.name))
    value = fields.find(document.fields, order)
    assert value is not None
    return fields.sort_key(value)


def _keys(document: Any, order: tuple[str, ...]) -> tuple[tuple[int, Any], ...]:
    name = fields.sort_key(_RawValue(reference_value=document.name))
    return (name,) if order == (_NAME,) else (_key(document, order), name)


def _starts(key: tuple[Any, ...], at: tuple[Any, ...], before: bool, descending: bool) -> bool:
    return (before and key == at) or (key < at if descending else key > at)
