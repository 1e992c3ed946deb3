"""What becomes of each node, told in its run's log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fanfold.domain.outcome import MAX_MESSAGE_CHARS
from fanfold.domain.run import NodeEvent
from fanfold.execution.context import Context
from fanfold.execution.durable import Suspended
from fanfold.graphs.actions import action_of_node
from fanfold.graphs.graph import Node
from fanfold.graphs.made import handed_on
from fanfold.graphs.original import original


@contextmanager
def telling(node: Node, context: Context) -> Iterator[None]:
    """A node that goes on after a wait begins once more, as its function does."""
    if not context.tells:
        yield
        return
    action = action_of_node(node)
    is_pass = True if original(node.work) is handed_on else None
    context.tell(NodeEvent.STARTED, action=action and action.id, is_pass=is_pass)
    try:
        yield
    except Suspended:
        context.tell(NodeEvent.WAITS, is_pass=is_pass)
        raise
    except BaseException as error:
        told = f"{type(error).__name__}: {error}"[:MAX_MESSAGE_CHARS]
        context.tell(NodeEvent.FAILED, error=told, is_pass=is_pass)
        raise
    context.tell(NodeEvent.SUCCEEDED, is_pass=is_pass)
