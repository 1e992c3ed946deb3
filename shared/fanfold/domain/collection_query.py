"""Which documents of a database are meant, as an address says it.

    firestore://COLLECTION?where=FIELD==VALUE&where=FIELD>=VALUE&order=-FIELD&limit=N

| part    | what                                                                                |
|---------|-------------------------------------------------------------------------------------|
| a path  | a collection, `articles`, or one inside a document, `shops/s1/articles`             |
| where   | == < <= > >=; the value is JSON, a moment behind an @, or else text; all must hold   |
| order   | by a field, with a - from the last; without it by the one that is compared, or by id |
| limit   | no more than so many                                                                |

In a value & and % are written %26 and %25, in a name / and ? are %2F and %3F.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import unquote

from fanfold.errors import SourceInvalid

SCHEME = "firestore://"
_CONDITION = re.compile(r"(?P<field>[^=<>!]+)(?P<op>==|<=|>=|<|>)(?P<value>.*)", re.DOTALL)
_FORM = "firestore://COLLECTION?where=FIELD==VALUE&order=FIELD&limit=N"


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    op: str
    #: a boolean, a number, a text or a datetime
    value: Any


@dataclass(frozen=True, slots=True)
class CollectionQuery:
    #: names of collections and of documents by turns, the last one a collection's
    path: tuple[str, ...]
    where: tuple[Condition, ...] = ()
    #: a field; None: the documents' ids
    order: str | None = None
    descending: bool = False
    limit: int | None = None


def collection_query_from(text: str) -> CollectionQuery:
    """Raises SourceInvalid, in one line that says what to write."""
    place, _, asked = text.removeprefix(SCHEME).partition("?")
    path = tuple(unquote(it) for it in place.split("/"))
    if not all(path) or len(path) % 2 == 0:
        raise _wrong(text, "name a collection, or one in a document: shops/s1/articles")
    where: list[Condition] = []
    given: dict[str, str] = {}
    for part in filter(None, asked.split("&")):
        name, _, raw = part.partition("=")
        value = unquote(raw)
        if name == "where":
            where.append(_condition(text, value))
        elif name in ("order", "limit") and name not in given and value:
            given[name] = value
        else:
            raise _wrong(text, f"{part!r} is no part of it")
    return CollectionQuery(path, tuple(where), *_order(text, where, given), _limit(text, given))


def _condition(text: str, condition: str) -> Condition:
    found = _CONDITION.fullmatch(condition)
    if found is None or not found["field"].strip():
        raise _wrong(text, f"where={condition}: write FIELD==VALUE, or < <= > >= instead of ==")
    return Condition(found["field"].strip(), found["op"], _value(text, found["value"].strip()))


def _value(text: str, value: str) -> Any:
    if value.startswith("@"):
        try:
            moment = datetime.fromisoformat(value[1:])
        except ValueError:
            raise _wrong(text, f"{value}: write a moment as @2024-02-29T00:00:00Z") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        parsed = json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return value
    if parsed is None:
        raise _wrong(text, "null is no value to compare with")
    return value if isinstance(parsed, list | dict) else parsed


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _order(text: str, where: list[Condition], given: dict[str, str]) -> tuple[str | None, bool]:
    order = given.get("order", "")
    field, descending = order.removeprefix("-"), order.startswith("-")
    if order and not field:
        raise _wrong(text, "order=: name a field")
    if any(it.op == "==" and it.field == field for it in where):
        raise _wrong(text, f"order={order}: it is the same in all of them, so leave that out")
    compared = next((it.field for it in where if it.op != "=="), None)
    return field or compared, descending


def _limit(text: str, given: dict[str, str]) -> int | None:
    limit = given.get("limit")
    if limit is None:
        return None
    if not (limit.isascii() and limit.isdecimal()) or int(limit) < 1:
        raise _wrong(text, f"limit={limit}: write a number, 1 or more")
    return int(limit)


def _wrong(text: str, problem: str) -> SourceInvalid:
    return SourceInvalid(f"{text}: {problem}. It is written {_FORM}")
