"""`@flow`: a function as a flow, which is a graph of one node.

    @flow(retries=3, timeout=60)
    def shout(record: dict) -> str:
        return record["text"].upper()

The decorator only describes; the function stays callable as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeGuard, overload

from fanfold.domain import flow as domain
from fanfold.domain.flow import (
    DEFAULT_TIMEOUT,
    Isolated,
    described,
    type_of_fold,
    type_of_source,
)
from fanfold.domain.lineage import FOLD
from fanfold.domain.people import OPEN_TO_ALL, Access
from fanfold.errors import FlowInvalid
from fanfold.graphs.flow import Flow
from fanfold.graphs.graph import Graph, Node


class Function(Flow):
    """A described function. Call it as the function it is."""

    is_graph = False

    @property
    def graph(self) -> Graph:
        return Graph(self.name, {self.name: Node(self.name, self)}, ())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fn(*args, **kwargs)

    def part(self, path: str) -> domain.Flow:
        return super().part(path) if path == FOLD else domain.Flow.part(self, path)

    def node(self, *_: Any, **__: Any) -> NoReturn:
        """A function has the one node that it is."""
        raise FlowInvalid(f"flow {self.name} is a function: put it into a graph, Flow(id).node(…)")

    batch = edge = node


def is_graph(work: domain.Flow) -> TypeGuard[Flow]:
    """Whether it has nodes of its own, which see to their places, times and types themselves. A
    function is its one node, wherever it stands."""
    return work.is_graph


@overload
def flow(fn: Callable[..., Any], /) -> Function: ...


@overload
def flow(
    *,
    id: str | None = None,
    title: str | None = None,
    description: str | None = None,
    version: str | None = None,
    retries: int = 3,
    backoff: float = 0.5,
    backoff_cap: float = 60.0,
    timeout: float | None = DEFAULT_TIMEOUT,
    exclusive: bool = False,
    isolation: Isolated = "none",
    memory: int | str | None = None,
    source: type_of_source | None = None,
    fold: type_of_fold | None = None,
    access: Access = OPEN_TO_ALL,
) -> Callable[[Callable[..., Any]], Function]: ...


def flow(
    fn: Callable[..., Any] | None = None,
    /,
    *,
    id: str | None = None,
    title: str | None = None,
    description: str | None = None,
    version: str | None = None,
    retries: int = 3,
    backoff: float = 0.5,
    backoff_cap: float = 60.0,
    timeout: float | None = DEFAULT_TIMEOUT,
    exclusive: bool = False,
    isolation: Isolated = "none",
    memory: int | str | None = None,
    source: type_of_source | None = None,
    fold: type_of_fold | None = None,
    access: Access = OPEN_TO_ALL,
) -> Function | Callable[[Callable[..., Any]], Function]:
    """Make a function a flow.

    id: its name (default: the function's). version: default a digest of its source code.
    retries: attempts after the first. backoff: seconds the first retry waits at most, doubling up
    to backoff_cap. timeout: seconds for one attempt, None for no limit. exclusive: a record is
    leased before it runs, so that a message that is delivered twice never has it run twice at once,
    as long as the lease is renewed; that costs a write more. isolation: "process" for a flow that
    may block for ever or crash: each record runs in a child process, which is killed at the timeout
    and when it is told to stop. memory: what a record may have there, in bytes or as in "512MiB";
    one that needs more is killed, and has failed. source: gives the records where none
    are named. fold: turns the results, in record order, into the batch's output. access: who may
    see it, start it and look after its batches, where it is served over the network.
    """

    def describe(function: Callable[..., Any]) -> Function:
        return described(
            function, Function, id=id, title=title, description=description, version=version,
            retries=retries, backoff=backoff, backoff_cap=backoff_cap, timeout=timeout,
            exclusive=exclusive, isolation=isolation, memory=memory, source=source, fold=fold,
            access=access,
        )  # fmt: skip

    return describe if fn is None else describe(fn)
