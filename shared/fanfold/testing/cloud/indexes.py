"""Which index a query needs, by the service's rules; what has none is refused, as it is there.

The emulators answer every query. The service answers one only by an index: of a single field it has
one of its own accord, unless that is exempted; what asks for more than equalities of several fields
needs a composite one, which somebody has to have declared. Nor does the service order by a field
that a filter holds equal. All of this counts for the engine's own collections alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from threading import Lock
from typing import Any

from google.cloud.firestore_v1 import types

from fanfold.engines.google.resources import INDEXES, UNINDEXED, Index
from fanfold.testing.cloud.refusal import failed_precondition, invalid

_OPS = types.StructuredQuery.FieldFilter.Operator
_EQUALITIES = {_OPS.EQUAL, _OPS.IN, _OPS.ARRAY_CONTAINS}
_DESCENDING = types.StructuredQuery.Direction.DESCENDING
_NAME = "__name__"
#: names of collections may begin with a deployment's prefix
_KNOWN = {it.collection for it in INDEXES} | {collection for collection, _ in UNINDEXED}


class Indexes:
    def __init__(
        self,
        declared: Collection[Index] = INDEXES,
        unindexed: Collection[tuple[str, str]] = UNINDEXED,
    ) -> None:
        self._declared = frozenset(declared)
        self._unindexed = frozenset(unindexed)
        self._lock = Lock()
        #: the composite ones that something has been asked by
        self.used: set[Index] = set()
        #: (collection, field): what some query has named
        self.asked: set[tuple[str, str]] = set()

    def check(self, name: str, query: Any, summed: Sequence[str] = ()) -> None:
        """Raises Refusal for a query that the service would not answer."""
        collection = next((it for it in _KNOWN if name == it or name.endswith(f"-{it}")), None)
        if collection is None:
            return
        equalities, order, descending = _asked(query)
        if order in equalities:
            raise invalid(f"order by clause cannot contain a field with an equality filter {order}")
        with self._lock:
            named = {*equalities, *summed} | ({order} if order is not None else set())
            self.asked |= {(collection, it) for it in named}
        rest = ([] if order is None else [order]) + [it for it in summed if it != order]
        if len(equalities) + len(rest) > 1 and rest:
            needed = Index(collection, (*sorted(equalities), *rest), descending)
            self._use(needed)
            return
        for field in (*equalities, *rest):
            if (collection, field) in self._unindexed:
                raise failed_precondition(f"the query requires {collection}.{field} to be indexed")

    def _use(self, needed: Index) -> None:
        for it in self._declared:
            if _same(it, needed):
                with self._lock:
                    self.used.add(it)
                return
        raise failed_precondition(f"the query requires an index: {needed}")


def _same(declared: Index, needed: Index) -> bool:
    """The equalities of an index may stand in any order, what is behind them not."""
    count = len(needed.fields)
    if (declared.collection, declared.descending) != (needed.collection, needed.descending):
        return False
    if len(declared.fields) != count or set(declared.fields) != set(needed.fields):
        return False
    return declared.fields[-1] == needed.fields[-1]


def _asked(query: Any) -> tuple[list[str], str | None, bool]:
    """What is equal, what is ordered or compared, and which way."""
    equalities, compared = [], None
    filters = []
    if query.HasField("where"):
        where = query.where
        is_one = where.WhichOneof("filter_type") == "field_filter"
        filters = [where] if is_one else list(where.composite_filter.filters)
    for it in filters:
        field = it.field_filter.field.field_path
        if it.field_filter.op in _EQUALITIES:
            equalities.append(field)
        else:
            compared = field
    order = [it for it in query.order_by if it.field.field_path != _NAME]
    if order:
        return equalities, order[0].field.field_path, order[0].direction == _DESCENDING
    return equalities, compared, False
