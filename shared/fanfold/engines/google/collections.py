"""Documents that are not ours: those of any collection of the database, as records to come.

They are read page by page, each page from behind the last document of the one before it. The order
is total, for of equal values the paths decide; so nothing is read twice, and what is there all the
time is not left out.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from fanfold.domain.collection_query import CollectionQuery
from fanfold.engines.google.firestore import Firestore
from fanfold.engines.google.querying import NAME, Where

#: a document has up to 1 MiB
_PAGE = 100


class GoogleCollections:
    def __init__(self, firestore: Firestore, page: int = _PAGE) -> None:
        self._firestore = firestore
        self._page = page

    def documents(self, query: CollectionQuery) -> Iterator[tuple[str, dict[str, Any]]]:
        *parents, collection = query.path
        parent = self._firestore.path(*parents) if parents else ""
        where = [Where(quoted(it.field), it.op, it.value) for it in query.where]
        order = NAME if query.order is None else quoted(query.order)
        after: tuple[Any, str] | None = None
        left = query.limit
        while left is None or left > 0:
            size = self._page if left is None else min(self._page, left)
            page = self._firestore.query_raw(
                parent,
                collection,
                where,
                order=order,
                descending=query.descending,
                after=after,
                limit=size,
            )
            for raw in page:
                yield raw.name.rpartition("/")[2], json_fields(raw.fields)
            if len(page) < size:
                return
            last = page[-1]
            after = (None if query.order is None else _at(last, query.order)), last.name
            left = None if left is None else left - size


def quoted(field: str) -> str:
    """A path of fields as the service takes it: parts that are no plain names stand in quotes."""
    return ".".join(it if it.isidentifier() and it.isascii() else _in_quotes(it)
                    for it in field.split("."))  # fmt: skip


def json_fields(fields: Any) -> dict[str, Any]:
    """By their names: they come in whatever order, and a document is to be the same each time."""
    return {name: json_of(fields[name]) for name in sorted(fields)}


def json_of(raw: Any) -> Any:
    """A value as JSON has it."""
    match raw.WhichOneof("value_type"):
        case None | "null_value":
            return None
        case "map_value":
            return json_fields(raw.map_value.fields)
        case "array_value":
            return [json_of(it) for it in raw.array_value.values]
        case "timestamp_value":
            return raw.timestamp_value.ToJsonString()
        case "bytes_value":
            return b64encode(raw.bytes_value).decode()
        case "reference_value":
            return raw.reference_value.partition("/documents/")[2]
        case "geo_point_value":
            point = raw.geo_point_value
            return {"latitude": point.latitude, "longitude": point.longitude}
        case kind:
            return getattr(raw, kind)


def _in_quotes(part: str) -> str:
    return "`" + part.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _at(document: Any, field: str) -> Any:
    """The value by which it is ordered, as it came."""
    *maps, last = field.split(".")
    fields = document.fields
    for name in maps:
        fields = fields[name].map_value.fields
    return fields[last]
