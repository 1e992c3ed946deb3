"""The flow that is simulated: each record says what becomes of it, and the fold keeps what it sees.

    {"n": 3, "do": "later"}

While a flow's code runs, others move: it is a step like a call of a port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from fanfold.domain.flow import Flow
from fanfold.errors import Fatal, Permanent, Retryable
from fanfold.execution.context import Context
from fanfold.execution.library import Found, Library
from fanfold.folds.result import Result
from fanfold.graphs.function import flow

#: seconds that a record which comes later waits
LATER = 100.0


@dataclass(slots=True)
class Hooks:
    """Whom the flow tells that it is run, at its begin and its end, and what its fold has seen."""

    begins: Callable[[int], object]
    ends: Callable[[int], object]
    folds: Callable[[list[Result]], object]
    #: an item is run
    item: Callable[[], object] = lambda: None


class Scripted:
    """The same flows for every schedule, so that they are found once; the hooks are the
    schedule's."""

    def __init__(self) -> None:
        self.hooks = Hooks(lambda _: None, lambda _: None, lambda _: None)
        self.library = Library()
        self.shared = self._taken("scripted", exclusive=False)
        self.exclusive = self._taken("exclusive", exclusive=True)
        #: of batches that have no records
        self.unfolded = self._taken("unfolded", exclusive=False, folds=False)

    def _taken(self, name: str, *, exclusive: bool, folds: bool = True) -> Found:
        made = self._flow(name, exclusive=exclusive, folds=folds)
        return self.library.take(made, f"simulated:{name}")

    def _flow(self, name: str, *, exclusive: bool, folds: bool) -> Flow:
        @flow(id="item", version="1", retries=2, timeout=None)
        def item(n: int) -> int:
            self.hooks.item()
            return n

        def part(path: str) -> Flow:  # noqa: ARG001  it has but one
            return item

        @flow(
            id=name,
            version="1",
            retries=2,
            timeout=None,
            exclusive=exclusive,
            fold=self._fold if folds else None,
        )
        def scripted(record: dict[str, Any], ctx: Context) -> dict[str, int]:
            self.hooks.begins(ctx.index)
            try:
                return _done(record, ctx)
            finally:
                self.hooks.ends(ctx.index)

        scripted.part = part  # type: ignore[method-assign]
        return scripted

    def _fold(self, results: Iterable[Result]) -> int:
        seen = list(results)
        self.hooks.folds(seen)
        return len(seen)


def _done(record: dict[str, Any], ctx: Context) -> dict[str, int]:
    if items := record["items"]:
        found = ctx.durable.scatter("items", "items", list(range(items)), 1)
        for number, slot in enumerate(found.slots):
            # one may have been undeliverable, or stopped
            if slot.text not in (None, str(number)) or len(found.slots) != items:
                raise Permanent(f"item {number} of {items} came back as {slot.text}")
    match record["do"]:
        case "fail":
            raise Permanent("it says so")
        case "fatal":
            raise Fatal("it says so")
        case "later" if ctx.attempt == 1:
            raise Retryable("not yet", after=LATER)
        case "at once" if ctx.attempt == 1:
            raise Retryable("not yet", after=0.0)
    return {"n": record["n"]}
