"""A graph drawn with characters: one node a line, and a lane for each edge.

    ┌── start
    ├── double ▥ x10      scattered, with 10 items in flight at most
    └── sum

    ┌─┬── check           an edge begins at ┌ or ┬, and ends at └ or ┴, further down
    │ ├── ask             ├ and ┼: one ends here and another begins
    │ │     when output["unsure"] (check)
    ├─│── publish         │ within a line: an edge that goes by
    └─┴── tell (any)

Every edge is one lane, from the line of its source to the line of its target, so no two can be
taken for one another, however many there are and wherever they lead. Where the lanes leave no room
for the names, the edges are listed instead. No line is longer than `width`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import combining, east_asian_width

from fanfold.graphs.actions import action_of_node
from fanfold.graphs.function import is_graph
from fanfold.graphs.graph import Edge, Graph, Node
from fanfold.graphs.places import short_name

#: for the names of nodes there is at least as much room
_NAMES = 24
#: how each is written where only ASCII can be
_ASCII = str.maketrans(
    {
        **dict.fromkeys("┌┬", "."),
        **dict.fromkeys("└┴", "'"),
        **dict.fromkeys("├┼", "+"),
        **dict.fromkeys("│╎", "|"),
        "─": "-",
        "▥": "#",
        "·": "*",
        "→": "->",
        "…": "...",
    }
)
#: by whether an edge ends in this lane, one begins in it, and nothing is to the left of it
_JOINTS = {
    (True, True, True): "├",
    (True, True, False): "┼",
    (True, False, True): "└",
    (True, False, False): "┴",
    (False, True, True): "┌",
    (False, True, False): "┬",
}
Lanes = list[Edge | None]


def drawn(graph: Graph, *, width: int = 80, plain: bool = False) -> str:
    """width: columns there are. plain: with nothing but ASCII."""
    lines = list(_lines(graph, width))
    if plain:
        lines = [_as_ascii(line, width) for line in lines]
    return "\n".join(lines)


def label_of(node: Node) -> str:
    """Its id, and what is particular about it."""
    parts = [node.id]
    if node.scatter is not None:
        parts.append(f"▥ x{node.scatter.concurrency}")
        if node.scatter.distributed:
            parts.append("distributed")
    if node.join == "any":
        parts.append("(any)")
    action = action_of_node(node)
    if action is not None:
        parts.append(f"[{action.provider}]")
    return " ".join(parts)


def condition_of(edge: Edge) -> str:
    """The condition as it is written, or its function's name; no text for an edge without one."""
    if edge.when is None:
        return ""
    return edge.when if isinstance(edge.when, str) else short_name(edge.when)


def inner_of(node: Node) -> Graph | None:
    """The graph that a node is itself."""
    return node.work.graph if is_graph(node.work) else None


def _lines(graph: Graph, width: int) -> Iterator[str]:
    nodes = graph.in_order()
    rows = list(_rows(graph, nodes))
    lanes = max((len(lanes) for _, _, lanes in rows), default=0)
    gap = 1 if 2 * lanes + 2 + _NAMES <= width else 0
    if (gap + 1) * lanes + 2 + _NAMES > width and lanes > 1:
        yield from _listed(graph, nodes, width)
        return
    for node, before, after in rows:
        yield _cut(f"{_joined(before, after, lanes, gap)} {label_of(node)}", width)
        passing = _passing(after, lanes, gap)
        yield from (_cut(f"{passing}  {it}", width) for it in _below(graph, node, width, passing))


def _rows(graph: Graph, nodes: Sequence[Node]) -> Iterator[tuple[Node, Lanes, Lanes]]:
    """Each node with the lanes above and below it; the first lane is the nearest to the names."""
    number = {node.id: at for at, node in enumerate(nodes)}
    lanes: Lanes = []
    for node in nodes:
        before = list(lanes)
        lanes = [None if it is None or it.target == node.id else it for it in lanes]
        # the shortest edges nearest, so that they cross the fewest
        for edge in sorted(graph.out_of(node.id), key=lambda it: number[it.target]):
            if None in lanes:
                lanes[lanes.index(None)] = edge
            else:
                lanes.append(edge)
        yield node, before, list(lanes)


def _joined(before: Lanes, after: Lanes, count: int, gap: int) -> str:
    """The lanes at a node's own line."""
    text, filler = "", " "
    for at in reversed(range(count)):
        above = before[at] if at < len(before) else None
        below = after[at] if at < len(after) else None
        if above is below:
            joint = filler if above is None else "│"
        else:
            joint = _JOINTS[above is not None, below is not None, filler == " "]
            filler = "─"
        text += joint + filler * gap
    return text + (filler if filler != " " else "·") if count else "·"


def _passing(lanes: Lanes, count: int, gap: int) -> str:
    """The same at a line between two nodes."""
    its = [lanes[at] if at < len(lanes) else None for at in reversed(range(count))]
    return "".join((" " if it is None else "│") + " " * gap for it in its)


def _below(graph: Graph, node: Node, width: int, passing: str) -> Iterator[str]:
    """What is told under a node: on which conditions it runs, and the graph that it is."""
    for edge in graph.into(node.id):
        if edge.when is not None:
            yield f"  when {condition_of(edge)} ({edge.source})"
    inner = inner_of(node)
    if inner is not None:
        yield from (f"╎ {line}" for line in _lines(inner, width - len(passing) - 4))


def _listed(graph: Graph, nodes: Sequence[Node], width: int) -> Iterator[str]:
    for node in nodes:
        yield _cut(f"· {label_of(node)}", width)
        for edge in graph.out_of(node.id):
            when = f" when {condition_of(edge)}" if edge.when is not None else ""
            yield _cut(f"    → {edge.target}{when}", width)
        inner = inner_of(node)
        if inner is not None:
            yield from (_cut(f"  ╎ {line}", width) for line in _lines(inner, width - 4))


def _cut(text: str, width: int) -> str:
    """Within `width` columns; what would move the cursor is a blank."""
    text = "".join(it if it.isprintable() else " " for it in text)
    if sum(map(_columns, text)) <= width:
        return text
    kept, room = "", max(width - 1, 0)
    for it in text:
        room -= _columns(it)
        if room < 0:
            break
        kept += it
    return f"{kept}…"


def _columns(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def _as_ascii(line: str, width: int) -> str:
    line = line.translate(_ASCII).encode("ascii", "backslashreplace").decode()
    return line if len(line) <= width else f"{line[: max(width - 3, 0)]}..."
