"""The flow of a scattered node's items, where they are a batch of their own."""

from __future__ import annotations

import json
from copy import copy
from typing import Any

from fanfold.domain.flow import Flow, described
from fanfold.execution.context import Context
from fanfold.graphs.graph import Node
from fanfold.graphs.node import call_node, copies


def item_flow(node: Node, whole: Flow) -> Flow:
    """It runs as its node says, and where its whole flow does: in a child process, if that is what
    its author has reckoned with."""
    it = copy(node.work) if node.fallback is None else _with_fallback(node)
    it.isolation, it.is_isolated, it.memory = whole.isolation, whole.is_isolated, whole.memory
    return it


def _with_fallback(node: Node) -> Flow:
    """Attempts are made in place: only there it is known which is the last."""

    def run(item: Any, ctx: Context) -> Any:
        text = json.dumps(item)
        return json.loads(call_node(node.work, node.fallback, copies(text), ctx, waits=False))

    return described(run, Flow, id=node.id, version=node.work.version, retries=0, timeout=None)
