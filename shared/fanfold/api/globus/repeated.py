"""A POST that is repeated by a client that does not say so.

These clients repeat a request whose answer was lost or was a server's error, without a key that
tells a repetition from another one like it. So a request that is like one before it in everything,
of the same asker, within WINDOW seconds is that one, repeated. Who wants two runs of the very same
says so: by an `Idempotency-Key` (or `X-Request-Id`) header of each, or a `request_id` in the body.

    window 41          window 42          each request belongs to the window of its moment,
    ├─────────────────┼─────────────────  and is looked for in the one before, too
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header

from fanfold.steps.create_batch import content_of

#: longer than the clients go on for: five times, and some 24 seconds of pauses at most
WINDOW = 40.0


class Key:
    """What the request calls itself."""

    def __init__(
        self,
        idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
        x_request_id: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
    ) -> None:
        self.said = idempotency_key or x_request_id


@dataclass(frozen=True, slots=True)
class Tokens:
    """Request ids that name what is started."""

    now: str
    #: under which it may have been started already
    before: str | None
    #: but not before this moment
    since: float

    def item(self, index: int) -> Tokens:
        """Of one of many in a request: two that are alike are two."""
        before = None if self.before is None else f"{self.before}/{index}"
        return Tokens(f"{self.now}/{index}", before, self.since)


def tokens_of(said: str | None, content: Any, now: float) -> Tokens:
    """`content`: all that was asked for."""
    if said is not None:
        return Tokens(f"v1 key {said}", None, now)
    window, digest = int(now // WINDOW), content_of(content)
    return Tokens(f"v1 {window} {digest}", f"v1 {window - 1} {digest}", now - WINDOW)
