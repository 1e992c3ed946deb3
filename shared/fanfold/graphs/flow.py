"""`Flow`: a graph of functions, written as a chain.

    from fanfold import Flow

    total = (
        Flow("total")
        .node("start", lambda record: record["numbers"])
        .batch("double", lambda n: n * 2)
        .node("sum", sum)
        .edge("start", "double_scatter")
        .edge("double_gather", "sum")
    )

    total.run({"numbers": [10, 20, 30]})        # 120, here and now
    # fanfold run flows.py:total records.jsonl  # the same for every record, durably

It is checked when it is first used, or when somebody calls `check()`: what is wrong is told with
the node's name. What `@flow` makes is the same thing with one node.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self

from fanfold.domain import flow as described
from fanfold.domain.flow import DEFAULT_TIMEOUT, Isolated, type_of_fold, type_of_source
from fanfold.domain.lineage import FOLD
from fanfold.domain.people import OPEN_TO_ALL, Access
from fanfold.errors import FlowInvalid
from fanfold.graphs.graph import (
    NODE_ID,
    Edge,
    Graph,
    Inputs,
    Join,
    Node,
    OnFailure,
    Scatter,
    check,
    resolved,
)
from fanfold.graphs.work import (
    check_condition,
    check_positive,
    digest,
    inputs_of,
    work_of,
)

if TYPE_CHECKING:
    from fanfold.execution.context import Context

#: nodes and items of one run that are in flight at once
CONCURRENCY = 10


class Flow(described.Flow):
    """A graph of nodes. Build it with `.node`, `.batch` and `.edge`; each returns the flow."""

    is_graph = True
    concurrency = CONCURRENCY

    def __init__(
        self,
        id: str,
        *,
        title: str | None = None,
        description: str = "",
        version: str | None = None,
        concurrency: int = CONCURRENCY,
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
    ) -> None:
        """id: its name. concurrency: how many nodes and items of one run are in flight at once, at
        most. retries, timeout and all the others: of the whole run, as with `@flow`; nodes that
        have finished are not run again by a retry. A node has its own besides."""
        check_positive(id, "concurrency", concurrency)
        self.concurrency = concurrency
        self._nodes: dict[str, Node] = {}
        self._edges: list[tuple[str, str, Callable[[Any], Any] | str | None]] = []
        self._graph: Graph | None = None
        self._version = version
        # described as any function is, so that all that is refused there is refused here
        of = described.described(
            self._runner(), described.Flow, id=id, title=title or id, description=description,
            version=version or "0", retries=retries, backoff=backoff, backoff_cap=backoff_cap,
            timeout=timeout, exclusive=exclusive, isolation=isolation, memory=memory,
            source=source, fold=fold, access=access,
        )  # fmt: skip
        super().__init__(**{it.name: getattr(of, it.name) for it in fields(of) if it.init})

    # ------------------------------------------------------------ building

    def node(
        self,
        id: str,
        fn: Callable[..., Any],
        *,
        inputs: str | Sequence[str] | Mapping[str, str] | None = None,
        join: Join = "all",
        retries: int | None = None,
        backoff: float | None = None,
        timeout: float | None = None,
        fallback: Callable[..., Any] | None = None,
    ) -> Self:
        """Add a node that calls `fn(input)`, or `fn(input, ctx)`.

        inputs: where it takes its input from, instead of from the nodes with edges to it: "record",
        a node's id, an output_key, each perhaps with a dotted place in it (`start.user.name`); a
        list of these gives a list, a mapping an object, or the arguments of a function that has
        these names. join: whether it waits for all the nodes before it, or runs with the first.
        retries, backoff, timeout: of this node, in place; none, where `fn` is no flow that has its
        own. fallback: is called instead, with the same input, when the last attempt has failed.
        """
        self._add(id, fn, inputs, join, retries, backoff, timeout, fallback, None)
        return self

    def batch(
        self,
        id: str,
        worker: Callable[..., Any],
        *,
        input_key: str | None = None,
        output_key: str | None = None,
        concurrency: int = CONCURRENCY,
        distributed: bool | None = None,
        on_failure: OnFailure = "fail",
        join: Join = "all",
        retries: int | None = None,
        backoff: float | None = None,
        timeout: float | None = None,
        fallback: Callable[..., Any] | None = None,
    ) -> Self:
        """Add a node that calls `worker(item)` for each item of a list, and gathers the outputs in
        the items' order.

        input_key: where the list is, instead of what the node before it returned. output_key: under
        which key the outputs are put; its id, if not said. concurrency: items in flight at once.
        distributed: the items are a batch of their own, over all workers there are, and the run
        waits for it without holding a process; None: if there are more than 500. on_failure: "fail"
        fails the run with its first failed item, once all have ended; "partial" hands the list on
        with `{"$failed": {"type", "message", "index"}}` in the place of each. retries, timeout,
        fallback: of each item. `worker` may be a flow itself, with batches of its own.
        """
        if on_failure not in ("fail", "partial"):
            raise self._wrong(id, f'on_failure is "fail" or "partial", not {on_failure!r}')
        if distributed is not None and not isinstance(distributed, bool):
            raise self._wrong(id, f"distributed is True, False or None, not {distributed!r}")
        check_positive(f"{self.name}: node {id!r}", "concurrency", concurrency)
        scatter = Scatter(output_key or id, concurrency, distributed, on_failure)
        if not NODE_ID.fullmatch(scatter.output_key):
            raise self._wrong(id, f"{output_key!r} cannot be a key: letters, digits, `_` and `-`")
        self._add(id, worker, input_key, join, retries, backoff, timeout, fallback, scatter)
        return self

    def edge(
        self, source: str, target: str, *, when: Callable[[Any], Any] | str | None = None
    ) -> Self:
        """Run `target` behind `source`. when: only if this holds for the source's output: a
        function of it, or text such as `output["score"] > 0.5`. A scattered node may be named by
        its ends: `x_scatter` takes the items, `x_gather` gives the outputs."""
        self._graph = None
        self._edges.append((source, target, when))
        return self

    def check(self) -> Self:
        """Raise FlowInvalid for what could not run, naming the node."""
        _ = self.graph
        return self

    # -------------------------------------------------------------- using

    @property
    def graph(self) -> Graph:
        """The graph, checked."""
        if self._graph is None:
            from fanfold.graphs.types import check_types, record_hint, result_hint

            graph = Graph(self.name, dict(self._nodes), tuple(self._built_edges()))
            check(graph)
            check_types(graph)
            # what it takes and gives is what its first and its last nodes do
            self.fn.__annotations__ |= {
                "record": record_hint(graph),
                "return": result_hint(graph),
            }
            self._graph = graph
            if self._version is None:
                self.version = digest(graph)
        return self._graph

    def run(
        self,
        record: Any = None,
        *,
        concurrency: int | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run it on one record, here and now; its output. Nothing is stored: all items are run in
        this process, `ctx.step` remembers nothing beyond it, and `ctx.ask` has nobody to ask."""
        from fanfold.execution.context import Context

        if concurrency is not None:
            check_positive(self.name, "concurrency", concurrency)
        context = Context(batch_id="", index=0, run_id="", parameters=parameters)
        return self._run(record, context, concurrency)

    def __call__(self, record: Any = None, context: Context | None = None) -> Any:
        """As a function of one record: `run`, or a node of another graph."""
        return self.run(record) if context is None else self._run(record, context, None)

    def part(self, path: str) -> described.Flow:
        """The flow of a scattered node's items: `node`, or `node/inner` of a worker's own node."""
        from fanfold.graphs.folding import page_flow
        from fanfold.graphs.items import item_flow

        if path == FOLD:
            return page_flow(self)
        node_id, _, rest = path.partition("/")
        node = self.graph.nodes.get(node_id)
        if node is None or (node.scatter is None and not rest):
            raise FlowInvalid(f"flow {self.name} has no scattered node {node_id!r} any more")
        return node.work.part(rest) if rest else item_flow(node, self)

    # ------------------------------------------------------------- as data

    def to_blueprint(self) -> dict[str, Any]:
        """It as data that can be written as JSON (graphs.blueprint), functions by their places."""
        from fanfold.graphs.writing_down import written_down

        return written_down(self)

    @staticmethod
    def from_blueprint(
        blueprint: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]] | None = None
    ) -> Flow:
        """The flow of a blueprint. It imports the code that the blueprint names: give it none that
        you do not trust. functions: by node id, instead of what it names or has no name for.
        Raises FlowInvalid, naming the node."""
        from fanfold.graphs.rebuilding import rebuilt

        return rebuilt(blueprint, functions)

    def drawing(self, *, width: int = 80, plain: bool = False) -> str:
        """It drawn with characters, a node a line (graphs.drawing). plain: with ASCII alone."""
        from fanfold.graphs.drawing import drawn

        return drawn(self.graph, width=width, plain=plain)

    def to_mermaid(self) -> str:
        """It as a Mermaid flowchart."""
        from fanfold.graphs.mermaid import as_mermaid

        return as_mermaid(self.graph)

    # ------------------------------------------------------------- within

    def _add(
        self,
        id: str,
        fn: Callable[..., Any],
        inputs: str | Sequence[str] | Mapping[str, str] | None,
        join: Join,
        retries: int | None,
        backoff: float | None,
        timeout: float | None,
        fallback: Callable[..., Any] | None,
        scatter: Scatter | None,
    ) -> None:
        if not isinstance(id, str) or not NODE_ID.fullmatch(id):
            raise self._wrong(id, "its id must be letters, digits, `_` and `-`, a letter first")
        if id in self._nodes:
            raise self._wrong(id, "there is one of this id already")
        if join not in ("all", "any"):
            raise self._wrong(id, f'join is "all" or "any", not {join!r}')
        taken = inputs_of(inputs)
        self._graph = None
        work = self._work(id, fn, taken, retries, backoff, timeout)
        other = None
        if fallback is not None:
            other = self._work(id, fallback, taken, None, backoff, timeout)
        self._nodes[id] = Node(id, work, taken, join, other, scatter)

    def _work(
        self,
        id: str,
        fn: Callable[..., Any],
        inputs: Inputs | None,
        retries: int | None,
        backoff: float | None,
        timeout: float | None,
    ) -> described.Flow:
        if not callable(fn):
            raise self._wrong(id, f"it needs a function to call, not {fn!r}")
        if isinstance(fn, Flow):  # checked with this one: a worker's own nodes are among its nodes
            fn.check()
        try:
            return work_of(id, fn, inputs, retries, backoff, timeout)
        except FlowInvalid as error:
            text = str(error).removeprefix(f"flow {id}: ")
            raise self._wrong(id, text) from None

    def _built_edges(self) -> list[Edge]:
        edges: list[Edge] = []
        for source, target, when in self._edges:
            ends = [resolved(self.name, it, self._nodes) for it in (source, target)]
            if isinstance(when, str):
                check_condition(self.name, ends[0], ends[1], when)
            elif when is not None and not callable(when):
                raise self._wrong(ends[0], f"an edge's `when` is a function or text, not {when!r}")
            if any((it.source, it.target) == (ends[0], ends[1]) for it in edges):
                raise self._wrong(ends[0], f"it has two edges to {ends[1]!r}")
            edges.append(Edge(ends[0], ends[1], when))
        return edges

    def _run(self, record: Any, context: Context, concurrency: int | None) -> Any:
        from fanfold.graphs.running import run_graph

        return run_graph(self.graph, record, context, concurrency or self.concurrency)

    def _runner(self) -> Callable[..., Any]:
        def run(record, ctx):  # type: ignore[no-untyped-def]
            return self._run(record, ctx, None)

        run.__module__ = _caller()
        run.__doc__ = None
        return run

    def _wrong(self, id: object, what: str) -> FlowInvalid:
        return FlowInvalid(f"flow {getattr(self, 'name', '')}: node {id!r}: {what}")


def _caller() -> str:
    """The module whose code builds the flow: there other processes find it."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", ""))


def _is_ours(names: Mapping[str, Any]) -> bool:
    return str(names.get("__name__", "")).startswith("fanfold.graphs.")
