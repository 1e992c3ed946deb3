"""Lists that go on behind a Link header (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from fanfold.client.calls import Answer, Call, Item, Items, Operation
from fanfold.client.patience import Patience
from fanfold.client.shapes import Shape

It = TypeVar("It", bound=Shape)
_LINK = re.compile(r"<([^>]*)>([^<]*)")
_NEXT = re.compile(r";\s*rel=\"?next\"?")


def after(call: Call, answer: Answer) -> Call | None:
    """The call for what comes behind this page: of the same list, so only the query is the link's.
    Its path is the server's own, which whoever stands before it may have changed."""
    for address, about in _LINK.findall(answer.headers.get("link", "")):
        if _NEXT.search(about):
            query = parse_qsl(urlsplit(address).query, keep_blank_values=True)
            return Call(verb="GET", path=call.path, query=dict(query))
    return None


def page(
    patience: Patience, path: str, query: Mapping[str, Any], shape: type[It]
) -> Operation[list[It]]:
    """The first page alone."""
    answer = yield from patience.ask(Call(verb="GET", path=path, query=query))
    return shape.read_list(answer.json)


def pages(patience: Patience, path: str, query: Mapping[str, Any], shape: type[It]) -> Items[It]:
    """Each item, page by page, as somebody asks for them."""
    call: Call | None = Call(verb="GET", path=path, query=query)
    while call is not None:
        answer = yield from patience.ask(call)
        for it in shape.read_list(answer.json):
            yield Item(it)
        call = after(call, answer)
