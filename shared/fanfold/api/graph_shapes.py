"""A flow's graph, for who draws it or fills in a form. Where its code lies is not told."""

from __future__ import annotations

from pydantic import BaseModel

from fanfold.graphs.actions import action_of_node
from fanfold.graphs.drawing import condition_of, inner_of
from fanfold.graphs.graph import Edge, Graph, Join, Node


class NodeShape(BaseModel):
    id: str
    join: Join
    #: whether it runs once for each item of a list
    scattered: bool
    #: of a scattered one: items in flight at once; and whether they are a batch of their own, null:
    #: if there are many
    concurrency: int | None = None
    distributed: bool | None = None
    #: of one that is an action: its id, and the service that it calls
    action: str | None = None
    provider: str | None = None
    #: of one that is a graph itself
    graph: GraphShape | None = None

    @classmethod
    def of(cls, node: Node) -> NodeShape:
        action, inner, scatter = action_of_node(node), inner_of(node), node.scatter
        return cls(
            id=node.id,
            join=node.join,
            scattered=scatter is not None,
            concurrency=None if scatter is None else scatter.concurrency,
            distributed=None if scatter is None else scatter.distributed,
            action=None if action is None else action.id,
            provider=None if action is None else action.provider,
            graph=None if inner is None else GraphShape.of(inner),
        )


class EdgeShape(BaseModel):
    source: str
    target: str
    #: the condition on which it is taken, as it is written, or the name of a function
    when: str | None

    @classmethod
    def of(cls, edge: Edge) -> EdgeShape:
        return cls(source=edge.source, target=edge.target, when=condition_of(edge) or None)


class GraphShape(BaseModel):
    """Nodes, and the edges between them. A function has one node."""

    nodes: list[NodeShape]
    edges: list[EdgeShape]

    @classmethod
    def of(cls, graph: Graph) -> GraphShape:
        return cls(
            nodes=[NodeShape.of(it) for it in graph.nodes.values()],
            edges=[EdgeShape.of(it) for it in graph.edges],
        )
