"""Pages of a list, one behind the other (RFC 8288)."""

from __future__ import annotations

from fastapi import Request


def next_page(request: Request, **where: str | int) -> str:
    """A Link header that leads to the next page of the same list."""
    url = request.url.include_query_params(**where)
    return f'<{url.path}?{url.query}>; rel="next"'
