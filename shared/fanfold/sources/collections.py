"""The documents of a collection as records: `firestore://COLLECTION`.

Who can read the database hands them in: sources know no engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fanfold.domain.collection_query import SCHEME, CollectionQuery
from fanfold.errors import SourceInvalid
from fanfold.ports import Collections
from fanfold.sources.line import Line, OnProblem, body_of, refuse

NOT_HERE = "documents are read on the google engine: set FANFOLD_ENGINE=google, or --engine google"


def from_documents(
    collections: Collections, query: CollectionQuery, *, on_problem: OnProblem = refuse
) -> Iterator[Line]:
    """A record for each document. Its key is the document's id."""
    place = SCHEME + "/".join(query.path)
    for name, data in collections.documents(query):
        line = _line_of(f"{place}/{name}", name, data, on_problem)
        if line is not None:
            yield line


def _line_of(place: str, key: str, data: dict[str, Any], on_problem: OnProblem) -> Line | None:
    try:
        return Line(key, body_of(data), 0, 0, data, place, keyed=True)
    except ValueError as error:
        on_problem(SourceInvalid(f"{place}: {error}."))
        return None
