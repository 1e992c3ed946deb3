"""Run a graph on one record.

    ready ──▶ a thread each, as many as there is room for ──▶ ended ──▶ edges decided ──▶ ready …

What a node gives is JSON from then on, whether it is handed on at once or after the run has waited:
both ways the next node gets the same, and a value of its own. A node that has finished is
remembered, and not run again when the run is tried again or goes on.

When a node fails nothing new is begun, and what is in flight finishes; then the run fails with the
first failure. When a node waits, the others go on as far as they can; then the run waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Semaphore
from typing import Any

from fanfold.domain.expression import condition
from fanfold.errors import Permanent
from fanfold.execution.context import Context
from fanfold.execution.durable import Suspended
from fanfold.execution.output import to_json
from fanfold.folds.dotted import place_at
from fanfold.graphs.graph import RECORD, Edge, Graph, Node
from fanfold.graphs.node import call_node, copies, mark
from fanfold.graphs.scattering import scattered
from fanfold.graphs.telling import telling


class EdgeFailed(Permanent):
    """An edge's condition raised."""


@dataclass(slots=True)
class _End:
    """What became of a node: its output, or what it raised."""

    node: Node
    text: str | None
    error: BaseException | None = None


def run_graph(graph: Graph, record: Any, context: Context, concurrency: int) -> Any:
    """The graph's output. Raises Suspended where the run is to wait."""
    if context.room is None:
        context = context.scoped_room(Semaphore(concurrency))
    return _Running(graph, record, context, concurrency).output()


class _Running:
    def __init__(self, graph: Graph, record: Any, context: Context, concurrency: int) -> None:
        self._graph = graph
        self._context = context
        self._durable = context.durable
        self._concurrency = concurrency
        #: JSON texts by key, of what has ended
        self._texts: dict[str, str] = {RECORD: to_json(record)}
        #: whether each edge that is decided is taken
        self._taken: dict[Edge, bool] = {}
        self._begun: set[str] = set()
        self._ended: SimpleQueue[_End] = SimpleQueue()
        self._in_flight = 0
        self._stop: BaseException | None = None
        self._waits = False
        self._exit = ExitStack()
        self._pool: ThreadPoolExecutor | None = None

    def output(self) -> Any:
        with self._exit:
            self._begin(self._graph.entries)
            while self._in_flight:
                self._settle(self._ended.get())
        if self._stop is not None:
            raise self._stop
        if self._waits:
            raise Suspended
        return self._result()

    def _begin(self, ready: Iterable[Node]) -> None:
        """Those of them that are to run now; one that is alone, in this thread."""
        todo = self._fresh(ready)
        while len(todo) == 1 and not self._in_flight:
            todo = self._fresh(self._after(self._carried_out(todo[0])))
        for node in todo:
            self._in_flight += 1
            self._threads().submit(self._carry_out, node)

    def _fresh(self, ready: Iterable[Node]) -> list[Node]:
        """Each of them that has not been begun, once; from now on it has been."""
        fresh = {node.id: node for node in ready if node.id not in self._begun}
        self._begun.update(fresh)
        return list(fresh.values())

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._concurrency, f"fanfold-{self._graph.name}")
            self._exit.enter_context(self._pool)
        return self._pool

    def _settle(self, end: _End) -> None:
        self._in_flight -= 1
        self._begin(self._after(end))

    def _after(self, end: _End) -> list[Node]:
        """What may begin now that this one has ended."""
        try:
            if end.error is not None:
                self._note(end.error)
                return []
            self._texts[end.node.output_key] = self._texts[end.node.id] = end.text or "null"
            return self._decide(end.node) if self._stop is None else []
        except Exception as error:  # noqa: BLE001  a user's condition: the run fails with it
            self._note(error)
            return []

    def _note(self, error: BaseException) -> None:
        if isinstance(error, Suspended):
            self._waits = True
        else:
            self._stop = self._stop or error

    def _carry_out(self, node: Node) -> None:
        self._ended.put(self._carried_out(node))

    def _carried_out(self, node: Node) -> _End:
        try:
            return _End(node, self._text_of(node))
        except BaseException as error:  # noqa: BLE001  it is raised where the graph ends
            return _End(node, None, error)

    def _text_of(self, node: Node) -> str:
        context = self._context.scoped(node.id)
        known = self._durable.recall(context.place)
        if known is not None:
            return known
        text = self._input_of(node)
        with telling(node, context):
            if node.scatter is not None:
                found = scattered(node, node.scatter, text, context)
                if found.is_kept:  # in its own batch: not once more here
                    return found.text
                output = found.text
            else:
                output = call_node(node.work, node.fallback, copies(text), context, waits=False)
            self._durable.remember(context.place, output)
            return output

    # ------------------------------------------------------------ values

    def _input_of(self, node: Node) -> str:
        match node.inputs:
            case None:
                return self._by_edges(node)
            case str(key):
                return self._at(key)
            case tuple(keys):
                return f"[{','.join(self._at(key) for key in keys)}]"
            case mapping:
                fields = (f"{json.dumps(name)}:{self._at(key)}" for name, key in mapping.items())
                return f"{{{','.join(fields)}}}"

    def _by_edges(self, node: Node) -> str:
        """What the edges bring: one its value, several an object of those that are taken."""
        edges = self._graph.into(node.id)
        if not edges:
            return self._texts[RECORD]
        if node.join == "any":
            return self._texts[self._first(node, edges)]
        if len(edges) == 1:
            return self._texts[edges[0].source]
        keys = [self._graph.nodes[it.source].output_key for it in edges if self._taken.get(it)]
        return f"{{{','.join(f'{json.dumps(key)}:{self._texts[key]}' for key in keys)}}}"

    def _first(self, node: Node, edges: list[Edge]) -> str:
        """Which of them came first; the same one when the run goes on after a wait."""
        place = f"{self._context.scoped(node.id).place}<"
        known = self._durable.recall(place)
        if known is not None and json.loads(known) in self._texts:
            return str(json.loads(known))
        first = next(it.source for it in edges if self._taken.get(it))
        self._durable.remember(place, json.dumps(first))
        return first

    def _at(self, key: str) -> str:
        """JSON text of what is under the key; null where nothing came to be."""
        first, _, rest = key.partition(".")
        text = self._texts.get(first, "null")
        return to_json(place_at(rest).of(json.loads(text))) if rest else text

    # ------------------------------------------------------------- edges

    def _decide(self, ended: Node) -> list[Node]:
        """Its edges are taken or dead; what that makes ready, and what it leaves out."""
        ready: list[Node] = []
        for edge in self._graph.out_of(ended.id):
            self._taken[edge] = self._is_taken(edge)
        todo = [edge.target for edge in self._graph.out_of(ended.id)]
        while todo:
            node = self._graph.nodes[todo.pop(0)]
            edges = self._graph.into(node.id)
            taken = [it for it in edges if self._taken.get(it)]
            decided = all(it in self._taken for it in edges)
            if taken and (decided or node.join == "any"):
                ready.append(node)
            elif decided:
                for edge in self._graph.out_of(node.id):
                    if edge not in self._taken:
                        self._taken[edge] = False
                        todo.append(edge.target)
        return ready

    def _is_taken(self, edge: Edge) -> bool:
        if edge.when is None:
            return True
        output = json.loads(self._texts[edge.source])
        if isinstance(edge.when, str):
            record = json.loads(self._texts[RECORD])
            return condition(edge.when, ("output", "record"))({"output": output, "record": record})
        try:
            return bool(edge.when(output))
        except Exception as error:
            name = f"{edge.source} → {edge.target}"
            failed = EdgeFailed(f"the condition of {name} raised {type(error).__name__}: {error}")
            mark(failed, edge.source)
            raise failed from error

    def _result(self) -> Any:
        sinks = self._graph.sinks
        if len(sinks) == 1:
            return json.loads(self._texts.get(sinks[0].id, "null"))
        return {it.id: json.loads(self._texts[it.id]) for it in sinks if it.id in self._texts}
