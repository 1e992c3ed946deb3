"""What a call to the API is made of, before anybody has sent it, and what comes back.

An *operation* is a generator: it says what is to be done next, and is told what came of it. It
knows no socket and no clock, so the same one drives a program that waits and one that awaits.

    Call ─▶ Answer          a request, and all of its answer
    Stream ─▶ Answer        a request whose answer is read line by line
    Line ─▶ str | None      the next line; None: that was all
    Sleep ─▶ None
    Item ─▶ None            handed to whoever iterates
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fanfold.client.errors import ClientError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    verb: str
    path: str
    #: None is left out
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    #: what a function gives can be had again, what an iterator gives cannot
    content: bytes | Callable[[], Iterable[bytes]] | Iterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: whether sending it again does no more than sending it once
    repeatable: bool = True
    #: seconds that the answer may take beside what the client allows anyway
    patience: float = 0.0

    @property
    def address(self) -> dict[str, Any]:
        return {name: value for name, value in self.query.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Request):
    """To be answered as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream(Request):
    """To be answered line by line. A program has one at a time for each operation."""


class Line:
    """The next one of the operation's stream."""


@dataclass(frozen=True, slots=True)
class Sleep:
    seconds: float


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    value: T


Step = Call | Stream | Line | Sleep


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        """Raises ClientError for what is none: a proxy's page, say."""
        try:
            return json.loads(self.body)
        except ValueError:
            told = self.headers.get("content-type", "nothing that is said")
            raise ClientError(
                f"the answer is {told} and not JSON. Is this the address of a Fanfold API?",
                status=self.status,
            ) from None


class Broken(Exception):
    """The connection broke, or no answer came in time: whether the request arrived is not known."""


#: what is sent into them is an Answer, a line, or nothing
Operation = Generator[Step, Any, T]
#: one that gives many things on its way, and nothing at its end
Items = Generator[Step | Item[T], Any, None]


def gathered(items: Items[T]) -> Operation[list[T]]:
    """All of them, as a list."""
    found: list[T] = []
    reply: Any = None
    broken: Broken | None = None
    while True:
        try:
            step = items.send(reply) if broken is None else items.throw(broken)
        except StopIteration:
            return found
        reply = broken = None
        if isinstance(step, Item):
            found.append(step.value)
            continue
        try:
            reply = yield step
        except Broken as problem:
            broken = problem
