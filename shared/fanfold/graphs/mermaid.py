"""A graph as a Mermaid flowchart, as pages that render Markdown draw it.

Nodes have numbers for names, since theirs may be words of Mermaid's own, such as `end`; what is
written in a box is quoted, and what could end the quotes is a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fanfold.graphs.drawing import condition_of, inner_of, label_of
from fanfold.graphs.graph import Graph

_OTHER = re.compile(r"[^\w .,:()\[\]=!+*/▥…'-]")


def as_mermaid(graph: Graph) -> str:
    return "\n".join(["flowchart TD", *_lines(graph, "n", "    ")])


def _lines(graph: Graph, prefix: str, indent: str) -> Iterator[str]:
    names = {node_id: f"{prefix}{number}" for number, node_id in enumerate(graph.nodes)}
    for node in graph.nodes.values():
        name, label = names[node.id], _quoted(label_of(node))
        inner = inner_of(node)
        if inner is not None:
            yield f"{indent}subgraph {name}[{label}]"
            yield from _lines(inner, f"{name}_", f"{indent}    ")
            yield f"{indent}end"
        elif node.scatter is not None:
            yield f"{indent}{name}[[{label}]]"
        else:
            yield f"{indent}{name}[{label}]"
    for edge in graph.edges:
        label = "" if edge.when is None else f"|{_quoted(condition_of(edge))}|"
        yield f"{indent}{names[edge.source]} -->{label} {names[edge.target]}"


def _quoted(text: str) -> str:
    text = " ".join(text.split())
    return '"' + _OTHER.sub(lambda found: f"#{ord(found[0])};", text) + '"'
